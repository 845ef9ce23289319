//! Where alignments go beside the translations: pictures, files to compute with, a page to browse.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use seq2seq::heatmap::{self, Figure, Report, ReportEntry, ReportHypothesis};
use seq2seq::{Array, Target, Translation};

use super::failure::{Failure, Place, Result};
use super::output::{Output, note};

/// The most translations of one picture, which stay in memory until it is drawn.
const MOST_FIGURES: usize = 100;

/// What an alignment's file holds: its name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
    /// Tables, an empty line behind each.
    Tsv,
    /// Arrays, one behind the other: `numpy.load` gives the next each time.
    Npy,
    /// A line with an array of rows for each.
    Json,
    /// A line of source-target pairs for each.
    Pharaoh,
}

/// A file for alignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignmentFile {
    /// Its path.
    pub path: PathBuf,
    kind: Kind,
}

impl FromStr for AlignmentFile {
    type Err = &'static str;

    fn from_str(path: &str) -> std::result::Result<Self, Self::Err> {
        let path = PathBuf::from(path);
        let kind = kind(&path).ok_or("the name must end in .svg, .png, .tsv, .npy, .json or .pharaoh")?;
        Ok(Self { path, kind })
    }
}

/// Whether a file's name says that it is for alignments.
pub fn is_alignment_file(path: &Path) -> bool {
    kind(path).is_some()
}

fn kind(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "svg" => Kind::Svg,
        "png" => Kind::Png,
        "tsv" => Kind::Tsv,
        "npy" => Kind::Npy,
        "json" => Kind::Json,
        "pharaoh" => Kind::Pharaoh,
        _ => return None,
    })
}

/// All that shows alignments apart from the output itself.
pub struct Views {
    file: Option<(Kind, Output)>,
    page: Option<(Report<BufWriter<File>>, Place)>,
    /// For a picture, which is drawn at the end: targets and the symbols of their sources.
    drawn: Vec<(Vec<String>, Target)>,
    left_out: usize,
    quiet: bool,
}

impl Views {
    /// Creates the files; the page's title is that of what is translated.
    pub fn create(file: Option<&AlignmentFile>, page: Option<&Path>, title: &str, quiet: bool) -> Result<Self> {
        let file = match file {
            Some(AlignmentFile { path, kind }) => Some((*kind, Output::create(path)?)),
            None => None,
        };
        let page = match page {
            Some(path) => {
                let place = Place::File(path.to_owned());
                let begin = File::create(path).and_then(|file| Report::begin(BufWriter::new(file), title));
                Some((begin.map_err(|error| place.failure(error))?, place))
            }
            None => None,
        };
        Ok(Self { file, page, drawn: Vec::new(), left_out: 0, quiet })
    }

    /// A source was translated.
    pub fn translation(&mut self, source: &str, translation: &Translation) -> Result<()> {
        if let Some((page, place)) = &mut self.page {
            let hypotheses = translation
                .targets()
                .map(|target| {
                    let Target { text, log_prob, score, .. } = target;
                    let figure = target.figure(&translation.source)?;
                    Ok(ReportHypothesis { text, log_prob: *log_prob, score: *score, figure })
                })
                .collect::<Result<Vec<_>>>()?;
            let entry = ReportEntry { source, hypotheses: &hypotheses, problem: None };
            page.entry(&entry).map_err(|error| place.failure(error))?;
        }
        for target in translation.targets() {
            self.target(&translation.source, target)?;
        }
        Ok(())
    }

    /// A target's alignment goes to the file. One that has none, because a dictionary has it, keeps its place.
    fn target(&mut self, source: &[String], target: &Target) -> Result<()> {
        let Some((kind, output)) = &mut self.file else { return Ok(()) };
        let (Some(figure), Some(alignment)) = (target.figure(source)?, &target.alignment) else {
            return nothing(*kind, output);
        };
        match kind {
            Kind::Svg | Kind::Png if self.drawn.len() < MOST_FIGURES => {
                self.drawn.push((source.to_vec(), target.clone()));
            }
            Kind::Svg | Kind::Png => self.left_out += 1,
            Kind::Tsv => output.write(&format!("{}\n", heatmap::tsv(&figure)))?,
            Kind::Npy => output.bytes(&heatmap::npy(alignment))?,
            Kind::Json => output.json(&(0..alignment.rows()).map(|row| alignment.row(row)).collect::<Vec<_>>())?,
            Kind::Pharaoh => output.write(&format!("{}\n", heatmap::pharaoh(alignment)))?,
        }
        Ok(())
    }

    /// A line has no translation: it keeps its place.
    pub fn failure(&mut self, source: &str, reason: &str) -> Result<()> {
        self.problem(source, reason)?;
        match &mut self.file {
            Some((kind, output)) => nothing(*kind, output),
            None => Ok(()),
        }
    }

    /// A line has no translation, and no place among them: the page alone tells of it.
    pub fn problem(&mut self, source: &str, reason: &str) -> Result<()> {
        let Some((page, place)) = &mut self.page else { return Ok(()) };
        let entry = ReportEntry { source, hypotheses: &[], problem: Some(reason) };
        page.entry(&entry).map_err(|error| place.failure(error))
    }

    /// Hands on everything that was computed with so far; a page is of use when it is complete.
    pub fn flush(&mut self) -> Result<()> {
        match &mut self.file {
            Some((_, output)) => output.flush(),
            None => Ok(()),
        }
    }

    /// Ends the files of work that came to this outcome: where it is done, and where nobody reads the output any more,
    /// for the files are for whoever comes later.
    pub fn finish<T>(self, outcome: Result<T>) -> Result<T> {
        if matches!(outcome, Ok(_) | Err(Failure::BrokenPipe)) {
            self.complete()?;
        }
        outcome
    }

    /// Draws the picture and ends the page.
    fn complete(self) -> Result<()> {
        if let Some((page, place)) = self.page {
            page.end().map_err(|error| place.failure(error))?;
        }
        let Some((kind, mut output)) = self.file else { return Ok(()) };
        let figures = self.drawn.iter().filter_map(|(source, target)| target.figure(source).transpose());
        let figures: Vec<Figure<'_>> = figures.collect::<seq2seq::Result<_>>()?;
        match kind {
            Kind::Svg => output.write(&heatmap::svg(&figures))?,
            Kind::Png => {
                let picture = heatmap::png(&figures)?;
                output.bytes(&picture.bytes)?;
                if !picture.missing.is_empty() && !self.quiet {
                    let missing: String = picture.missing.iter().collect();
                    note(format_args!("no font of this system has {missing:?}; the picture shows their numbers"));
                }
            }
            Kind::Tsv | Kind::Npy | Kind::Json | Kind::Pharaoh => {}
        }
        output.flush()?;
        if self.left_out > 0 && !self.quiet {
            let left_out = self.left_out;
            note(format_args!("the picture holds the first {MOST_FIGURES} translations, not the other {left_out}"));
        }
        Ok(())
    }
}

/// The place of a source without an alignment.
fn nothing(kind: Kind, output: &mut Output) -> Result<()> {
    match kind {
        Kind::Tsv | Kind::Pharaoh => output.write("\n"),
        Kind::Npy => output.bytes(&heatmap::npy(&Array::new([0, 0], Vec::new()))),
        Kind::Json => output.write("[]\n"),
        Kind::Svg | Kind::Png => Ok(()),
    }
}
