//! A page to browse translations in: every sentence with its hypotheses and their alignments.
//!
//! One file that loads nothing. Texts are HTML, so that the page can be searched and read without its script; weights
//! are bytes in an attribute, which the script draws when they come into view.

use std::io::{Result, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::escaped::Escaped;
use super::{Figure, label};

const PAGE: &str = include_str!("report/page.html");
// What shows hypotheses and alignments on any page, and what shows the sentences of a report.
const STYLE: &str = concat!(include_str!("report/figure.css"), include_str!("report/report.css"));
const SCRIPT: &str = concat!(include_str!("report/figure.js"), include_str!("report/report.js"));

const MAX_LABEL_WIDTH: usize = 24; // terminal columns

/// A sentence of a [`Report`].
#[derive(Clone, Copy, Debug)]
pub struct ReportEntry<'a> {
    /// The source as text.
    pub source: &'a str,
    /// What it was translated to, the chosen one first.
    pub hypotheses: &'a [ReportHypothesis<'a>],
    /// Why there is no translation, where there is none.
    pub problem: Option<&'a str>,
}

/// A translation of a [`ReportEntry`].
#[derive(Clone, Copy, Debug)]
pub struct ReportHypothesis<'a> {
    /// The target as text.
    pub text: &'a str,
    /// Σ ln p of the target's symbols and of its end.
    pub log_prob: f64,
    /// What hypotheses are ordered by.
    pub score: f64,
    /// Its alignment, where it is to be shown.
    pub figure: Option<Figure<'a>>,
}

/// A page that is written sentence by sentence, and keeps none of them.
///
/// ```
/// use seq2seq::Array;
/// use seq2seq::heatmap::{Figure, Report, ReportEntry, ReportHypothesis};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (source, target) = (["o".to_owned(), "h".to_owned()], ["OW".to_owned()]);
/// let alignment = Array::new([1, 2], vec![0.75, 0.25]);
/// let figure = Some(Figure::new(&source, &target, &alignment)?);
/// let best = ReportHypothesis { text: "OW", log_prob: -0.1, score: -0.05, figure };
///
/// let mut report = Report::begin(Vec::new(), "Words")?;
/// report.entry(&ReportEntry { source: "oh", hypotheses: &[best], problem: None })?;
/// let page: Vec<u8> = report.end()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Report<W> {
    writer: W,
    entries: usize,
}

impl<W: Write> Report<W> {
    /// Writes what comes before the first sentence.
    pub fn begin(mut writer: W, title: &str) -> Result<Self> {
        // The title last: it may look like a place for something else.
        let (before, _) = around_entries();
        let page = before.replace("{{style}}", STYLE).replace("{{title}}", &Escaped(title).to_string());
        writer.write_all(page.as_bytes())?;
        Ok(Self { writer, entries: 0 })
    }

    /// Writes a sentence.
    pub fn entry(&mut self, entry: &ReportEntry<'_>) -> Result<()> {
        self.entries += 1;
        let Self { writer, entries: number } = self;
        let best = entry.hypotheses.first();
        write!(writer, r#"<details class="sentence" id="s{number}""#)?;
        // JavaScript has other words for what is not finite.
        if let Some(score) = best.map(|best| best.score).filter(|score| score.is_finite()) {
            write!(writer, r#" data-score="{score}""#)?;
        }
        writeln!(writer, "><summary>")?;
        write!(writer, r#"<span class="number">{number}</span>"#)?;
        write!(writer, r#"<span class="text" dir="auto">{}</span>"#, Escaped(entry.source))?;
        match best {
            Some(best) => write!(writer, r#"<span class="text best" dir="auto">{}</span>"#, Escaped(best.text))?,
            None => {
                let problem = entry.problem.unwrap_or("no translation");
                write!(writer, r#"<span class="text problem" dir="auto">{}</span>"#, Escaped(problem))?;
            }
        }
        writeln!(writer, "</summary>")?;
        if !entry.hypotheses.is_empty() {
            hypotheses(writer, *number, entry.hypotheses)?;
        }
        writeln!(writer, "</details>")
    }

    /// Writes what comes behind the last sentence, and returns the writer.
    pub fn end(mut self) -> Result<W> {
        let (_, after) = around_entries();
        self.writer.write_all(after.replace("{{script}}", SCRIPT).as_bytes())?;
        self.writer.flush()?;
        Ok(self.writer)
    }
}

/// The table of a sentence's hypotheses and their alignments, as HTML for a page that has `report/figure.css` and
/// `report/figure.js`, an element `tip` and an element `spoken`; `number` tells the sentences of a page apart.
pub fn hypotheses_html(number: usize, hypotheses: &[ReportHypothesis<'_>]) -> Result<String> {
    let mut html = Vec::new();
    self::hypotheses(&mut html, number, hypotheses)?;
    Ok(String::from_utf8_lossy(&html).into_owned())
}

/// The page before its sentences, and behind them.
fn around_entries() -> (&'static str, &'static str) {
    PAGE.split_once("{{entries}}").unwrap_or((PAGE, ""))
}

/// The table of hypotheses of sentence `number`, and their alignments. One of several is chosen by its button.
fn hypotheses(writer: &mut impl Write, number: usize, hypotheses: &[ReportHypothesis<'_>]) -> Result<()> {
    // Without symbols there are no cells.
    let drawable = |figure: &Figure<'_>| !figure.source.is_empty() && !figure.target.is_empty();
    let figures: Vec<Option<Figure<'_>>> =
        hypotheses.iter().map(|hypothesis| hypothesis.figure.filter(drawable)).collect();
    let shown = figures.iter().position(Option::is_some);
    let several = figures.iter().flatten().count() > 1;

    writeln!(
        writer,
        r#"<div class="body"><table><thead><tr><th></th><th>translation</th><th>log p</th><th>score</th></tr></thead><tbody>"#
    )?;
    for (rank, (hypothesis, figure)) in hypotheses.iter().zip(&figures).enumerate() {
        let name = format!("s{number}-{rank}");
        write!(writer, "<tr><td>")?;
        if several && figure.is_some() {
            let checked = if shown == Some(rank) { " checked" } else { "" };
            write!(writer, r#"<input type="radio" name="s{number}" id="{name}"{checked}>"#)?;
        }
        write!(
            writer,
            r#"</td><td><label class="text" dir="auto" for="{name}">{}</label></td>"#,
            Escaped(hypothesis.text)
        )?;
        writeln!(writer, "<td>{:.3}</td><td>{:.3}</td></tr>", hypothesis.log_prob, hypothesis.score)?;
    }
    writeln!(writer, "</tbody></table>")?;
    for (rank, figure) in figures.iter().enumerate() {
        if let Some(figure) = figure {
            let hidden = if shown == Some(rank) { "" } else { " hidden" };
            write!(writer, r#"<div class="figure" data-for="s{number}-{rank}"{hidden}"#)?;
            data(writer, figure)?;
            writeln!(writer, "></div>")?;
        }
    }
    writeln!(writer, "</div>")
}

/// The alignment as attributes: labels as JSON, and a byte for each weight.
fn data(writer: &mut impl Write, figure: &Figure<'_>) -> Result<()> {
    for (name, symbols) in [("source", figure.source), ("target", figure.target)] {
        let labels: Vec<String> = symbols.iter().map(|symbol| label(symbol, MAX_LABEL_WIDTH)).collect();
        write!(writer, r#" data-{name}="{}""#, Escaped(&serde_json::to_string(&labels)?))?;
    }
    let cells = (0..figure.target.len()).flat_map(|row| (0..figure.source.len()).map(move |col| (row, col)));
    let weights: Vec<u8> = cells.map(|(row, col)| (figure.weight(row, col) * 255.0).round() as u8).collect();
    write!(writer, r#" data-weights="{}""#, STANDARD.encode(weights))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{array, symbols};
    use super::*;
    use crate::Array;

    fn page(title: &str, entries: &[ReportEntry<'_>]) -> String {
        let mut report = Report::begin(Vec::new(), title).expect("a page");
        for entry in entries {
            report.entry(entry).expect("a sentence");
        }
        String::from_utf8(report.end().expect("its end")).expect("UTF-8")
    }

    fn hypothesis<'a>(text: &'a str, figure: Option<Figure<'a>>) -> ReportHypothesis<'a> {
        ReportHypothesis { text, log_prob: -1.25, score: -0.5, figure }
    }

    #[test]
    fn a_page_holds_everything_and_loads_nothing() {
        let (source, target) = (symbols("a b"), symbols("X"));
        let alignment = array(&[&[0.2, f32::NAN]]);
        let figure = Figure::new(&source, &target, &alignment).expect("a figure");
        let hypotheses = [hypothesis("the best", Some(figure)), hypothesis("the other", None)];
        let page = page("A title", &[ReportEntry { source: "a b", hypotheses: &hypotheses, problem: None }]);
        for expected in [
            "<title>A title</title>",
            ">the best</label></td><td>-1.250</td><td>-0.500</td>",
            ">the other</label>",
            r#"<details class="sentence" id="s1" data-score="-0.5">"#,
            r#"data-source="[&quot;a&quot;,&quot;b&quot;]" data-target="[&quot;X&quot;]" data-weights="MwA=""#,
        ] {
            assert!(page.contains(expected), "{expected} is not in\n{page}");
        }
        assert!(!page.contains("{{"), "a place of the template is left");
        assert!(!page.contains("radio\""), "one alignment leaves no choice");
        for outside in ["http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<script").count(), 1);
    }

    #[test]
    fn every_alignment_can_be_chosen() {
        let (source, target) = (symbols("a"), symbols("X"));
        let alignment = array(&[&[1.0]]);
        let figure = Some(Figure::new(&source, &target, &alignment).expect("a figure"));
        let hypotheses = [hypothesis("1", None), hypothesis("2", figure), hypothesis("3", figure)];
        let page = page("", &[ReportEntry { source: "a", hypotheses: &hypotheses, problem: None }]);
        assert!(page.contains(r#"name="s1" id="s1-1" checked>"#) && page.contains(r#"name="s1" id="s1-2">"#));
        assert!(page.contains(r#"data-for="s1-1" data"#) && page.contains(r#"data-for="s1-2" hidden data"#));
    }

    #[test]
    fn texts_stay_texts() {
        let evil = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{script}}";
        let symbol = [evil.to_owned()];
        let alignment = array(&[&[1.0]]);
        let figure = Figure::new(&symbol, &symbol, &alignment).expect("a figure");
        let hypotheses = [hypothesis(evil, Some(figure))];
        let entries = [
            ReportEntry { source: evil, hypotheses: &hypotheses, problem: None },
            ReportEntry { source: evil, hypotheses: &[], problem: Some(evil) },
        ];
        let page = page(evil, &entries);
        assert_eq!(page.matches("<script").count(), 1, "only the page's own");
        assert_eq!(page.matches("</script").count(), 1);
        assert!(!page.contains("<img"));
    }

    #[test]
    fn sentences_without_translation_or_symbols_have_their_place() {
        let empty = Array::new([0, 0], vec![]);
        let nothing = hypothesis("", Some(Figure::new(&[], &[], &empty).expect("a figure")));
        let page = page(
            "",
            &[
                ReportEntry { source: "?", hypotheses: &[], problem: Some("no symbol for '?'") },
                ReportEntry { source: "", hypotheses: &[], problem: None },
                ReportEntry { source: "", hypotheses: &[nothing], problem: None },
            ],
        );
        assert!(page.contains(">no symbol for '?'<") && page.contains(">no translation<"));
        assert!(page.contains(r#"id="s3""#) && !page.contains("data-weights=\""));
        assert!(page.contains(r#"id="s1"><summary>"#), "no score");
    }
}
