//! The losses of a run as an SVG document.

use std::fmt::Write as _;

use super::History;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 48.0;
/// About how many labelled lines there are along an axis.
const TICKS: f64 = 6.0;

const STYLE: &str = "\
.page { fill: #ffffff } .plot { fill: #f4f6fa } .grid { stroke: #ffffff; stroke-width: 2 }
text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 13px; fill: #3c4658 }
.title { font-size: 16px; font-weight: 600; fill: #10182b }
.training { fill: none; stroke: #9aa7c4; stroke-width: 1.5 } .validation { fill: none; stroke: #173f8a; stroke-width: 2.5 }
.dot { fill: #173f8a } .best { fill: #d1495b }";

/// Training and validation loss over the steps, the step of the best model marked, as an SVG document of its own size.
///
/// Points show their numbers under the pointer.
pub fn svg(history: &History, best: Option<u64>) -> String {
    let validations = history.validations.iter();
    let validation: Vec<(u64, f64)> = validations.map(|validated| (validated.step, validated.loss)).collect();
    let axes = Axes::of(history.training.iter().chain(&validation));

    let mut out = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{line}");
    };
    line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">"#
    ));
    line(format_args!("<style>{STYLE}</style>"));
    line(format_args!(r#"<rect class="page" width="100%" height="100%"/>"#));
    line(format_args!(r#"<text class="title" x="{LEFT}" y="28">Loss of a target symbol</text>"#));
    let (plot_width, plot_height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    line(format_args!(r#"<rect class="plot" x="{LEFT}" y="{TOP}" width="{plot_width}" height="{plot_height}"/>"#));
    let (bottom, middle) = (HEIGHT - BOTTOM, LEFT + plot_width / 2.0);
    for step in ticks(axes.steps) {
        let x = axes.x(step);
        line(format_args!(r#"<path class="grid" d="M{x:.1} {TOP}V{bottom}"/>"#));
        line(format_args!(r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{step}</text>"#, bottom + 18.0));
    }
    for loss in ticks(axes.loss) {
        let y = axes.y(loss);
        line(format_args!(r#"<path class="grid" d="M{LEFT} {y:.1}H{:.1}"/>"#, WIDTH - RIGHT));
        // What 0.1 is added up to is not what it is written as.
        let label = format!("{loss:.6}");
        let label = label.trim_end_matches('0').trim_end_matches('.');
        line(format_args!(r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#, LEFT - 8.0, y + 4.5));
    }
    line(format_args!(r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle">steps</text>"#, HEIGHT - 10.0));
    for (at, (class, name)) in [("training", "training"), ("validation", "validation")].into_iter().enumerate() {
        let x = WIDTH - RIGHT - 260.0 + 130.0 * at as f64;
        line(format_args!(r#"<path class="{class}" d="M{x:.1} 24h24"/>"#));
        line(format_args!(r#"<text x="{:.1}" y="28">{name}</text>"#, x + 30.0));
    }
    for (class, points) in [("training", &history.training), ("validation", &validation)] {
        let path = axes.path(points);
        if !path.is_empty() {
            line(format_args!(r#"<path class="{class}" d="{path}"/>"#));
        }
    }
    for &(step, loss) in &validation {
        let (x, y) = (axes.x(step as f64), axes.y(loss));
        let (class, radius, note) = if best == Some(step) { ("best", 5.0, ", the best") } else { ("dot", 3.0, "") };
        line(format_args!(
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"><title>step {step}: {loss:.4}{note}</title></circle>"#
        ));
    }
    line(format_args!("</svg>"));
    out
}

/// The ends of both axes.
struct Axes {
    steps: f64,
    loss: f64,
}

impl Axes {
    fn of<'a>(points: impl Iterator<Item = &'a (u64, f64)>) -> Self {
        let (mut steps, mut largest) = (1.0_f64, 0.0_f64);
        for &(step, loss) in points {
            steps = steps.max(step as f64);
            largest = largest.max(loss);
        }
        Self { steps, loss: if largest > 0.0 { 1.05 * largest } else { 1.0 } }
    }

    fn x(&self, step: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps
    }

    fn y(&self, loss: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * loss / self.loss
    }

    fn path(&self, points: &[(u64, f64)]) -> String {
        let mut path = String::new();
        for (at, &(step, loss)) in points.iter().enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, self.x(step as f64), self.y(loss));
        }
        path
    }
}

/// Round numbers from 0 to the end of an axis: 1, 2 or 5 times a power of ten apart.
fn ticks(end: f64) -> Vec<f64> {
    let rough = end / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let apart = [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|&apart| apart >= rough);
    let apart = apart.unwrap_or(10.0 * power);
    (0..=(end / apart) as u32).map(|tick| f64::from(tick) * apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Validated;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(6.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(ticks(1000.0), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(ticks(3.3).len(), 4);
    }

    #[test]
    fn the_best_is_marked() {
        let validated = |step, loss| Validated {
            epoch: 1,
            step,
            training_loss: 1.0,
            loss,
            wer: 0.0,
            ser: 0.0,
            bleu: 0.0,
            chrf: 0.0,
            learning_rate: 0.1,
            improved: true,
        };
        let mut history = History::default();
        history.validations.extend([validated(10, 1.5), validated(20, 1.25)]);
        history.push(1, 10, 2.0);
        let document = svg(&history, Some(20));
        assert!(document.contains("<title>step 10: 1.5000<") && document.contains("<title>step 20: 1.2500, the best<"));
        assert_eq!(document.matches("class=\"best\"").count(), 1);
        assert!(svg(&History::default(), None).ends_with("</svg>\n"));
    }
}
