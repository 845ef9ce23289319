//! Where alignments go beside the translations: pictures, files to compute with, a page to browse.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use seq2seq::heatmap::{self, Figure, Report, ReportEntry, ReportHypothesis};
use seq2seq::{Array, Translation};

use crate::cli::failure::{Place, Result};
use crate::cli::note;
use crate::cli::output::Output;

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
    /// A line of source-target pairs for each line of input.
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
        let kind = kind(&path).ok_or("the name must end in .svg, .png, .tsv, .npy or .pharaoh")?;
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
        "pharaoh" => Kind::Pharaoh,
        _ => return None,
    })
}

/// All that shows alignments apart from the output itself.
pub struct Views {
    file: Option<(Kind, Output)>,
    page: Option<(Report<BufWriter<File>>, Place)>,
    /// For a picture, which is drawn at the end.
    translations: Vec<Translation>,
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
        Ok(Self { file, page, translations: Vec::new(), left_out: 0, quiet })
    }

    /// A line was translated.
    pub fn translation(&mut self, source: &str, translation: &Translation) -> Result<()> {
        let figure = figure(translation)?;
        if let Some((page, place)) = &mut self.page {
            let Translation { text, log_prob, .. } = translation;
            let hypothesis = ReportHypothesis { text, log_prob: *log_prob, score: *log_prob, figure };
            let entry = ReportEntry { source, hypotheses: &[hypothesis], problem: None };
            page.entry(&entry).map_err(|error| place.failure(error))?;
        }
        let (Some((kind, output)), Some(figure), Some(alignment)) = (&mut self.file, figure, &translation.alignment)
        else {
            return Ok(());
        };
        match kind {
            Kind::Svg | Kind::Png if self.translations.len() < MOST_FIGURES => {
                self.translations.push(translation.clone());
            }
            Kind::Svg | Kind::Png => self.left_out += 1,
            Kind::Tsv => output.write(&format!("{}\n", heatmap::tsv(&figure)))?,
            Kind::Npy => output.bytes(&heatmap::npy(alignment))?,
            Kind::Pharaoh => output.write(&format!("{}\n", heatmap::pharaoh(alignment)))?,
        }
        Ok(())
    }

    /// A line has no translation: it keeps its place.
    pub fn failure(&mut self, source: &str, reason: &str) -> Result<()> {
        if let Some((page, place)) = &mut self.page {
            let entry = ReportEntry { source, hypotheses: &[], problem: Some(reason) };
            page.entry(&entry).map_err(|error| place.failure(error))?;
        }
        match &mut self.file {
            Some((Kind::Tsv | Kind::Pharaoh, output)) => output.write("\n"),
            Some((Kind::Npy, output)) => output.bytes(&heatmap::npy(&Array::new([0, 0], Vec::new()))),
            _ => Ok(()),
        }
    }

    /// Hands on everything that was computed with so far; a page is of use when it is complete.
    pub fn flush(&mut self) -> Result<()> {
        match &mut self.file {
            Some((_, output)) => output.flush(),
            None => Ok(()),
        }
    }

    /// Draws the picture and ends the page.
    pub fn finish(self) -> Result<()> {
        if let Some((page, place)) = self.page {
            page.end().map_err(|error| place.failure(error))?;
        }
        let Some((kind, mut output)) = self.file else { return Ok(()) };
        let figures: Vec<Figure<'_>> = self
            .translations
            .iter()
            .filter_map(|translation| figure(translation).transpose())
            .collect::<Result<_>>()?;
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
            Kind::Tsv | Kind::Npy | Kind::Pharaoh => {}
        }
        output.flush()?;
        if self.left_out > 0 && !self.quiet {
            let left_out = self.left_out;
            note(format_args!("the picture holds the first {MOST_FIGURES} translations, not the other {left_out}"));
        }
        Ok(())
    }
}

/// The alignment of a translation with its symbols.
pub fn figure(translation: &Translation) -> Result<Option<Figure<'_>>> {
    let Translation { source, target, alignment, .. } = translation;
    Ok(alignment.as_ref().map(|alignment| Figure::new(source, target, alignment)).transpose()?)
}
