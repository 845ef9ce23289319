//! How a benchmark is shown.

use seq2seq::bench::peaks::Peaks;
use seq2seq::bench::{Kind, Report, Row};

use crate::cli::failure::Result;
use crate::cli::output::Output;

/// Writes a line for each case as it is measured, or all of it as JSON in the end.
pub struct Presenter {
    json: bool,
    output: Output,
}

impl Presenter {
    /// Writes to standard output.
    pub fn new(json: bool) -> Self {
        Self { json, output: Output::stdout() }
    }

    /// The device that is measured.
    pub fn device(&mut self, name: &str) -> Result<()> {
        self.text(&format!("{name}\n"))
    }

    /// What it can do at most.
    pub fn peaks(&mut self, peaks: Peaks) -> Result<()> {
        let (bytes, flops) = (peaks.copy_bytes_per_s / 1e9, peaks.flops / 1e9);
        self.text(&format!(
            "copies {} GB/s, multiplies and adds {} GFLOP/s, measured; more than these comes from caches\n",
            rate(bytes),
            rate(flops)
        ))
    }

    /// Which form some shapes have there.
    pub fn forms(&mut self, forms: &[(String, String)]) -> Result<()> {
        let each: Vec<String> = forms.iter().map(|(shape, form)| format!("{shape}: {form}")).collect();
        if each.is_empty() { Ok(()) } else { self.text(&format!("{}\n", each.join("; "))) }
    }

    /// Before the first of a kind; `beside` the device the CPU may be measured.
    pub fn header(&mut self, kind: Kind, beside: bool) -> Result<()> {
        self.text("\n")?;
        match kind {
            Kind::Operation => self.operations_header(beside),
            Kind::Translation => self.models_header("translation", "sentences/s", beside),
            Kind::Training => self.models_header("step of training", "tokens/s", beside),
            Kind::Pronunciation => self.models_header("pronunciation", "words/s", false),
        }
    }

    /// What was measured of a case.
    pub fn row(&mut self, kind: Kind, row: &Row) -> Result<()> {
        match kind {
            Kind::Operation => self.operation(row)?,
            Kind::Translation | Kind::Training | Kind::Pronunciation => self.model(row)?,
        }
        self.kernels(row)
    }

    fn operations_header(&mut self, beside: bool) -> Result<()> {
        let cpu = if beside { "CPU" } else { "" };
        self.text(&line([
            "operation",
            "time",
            "on device",
            "dispatches",
            "bytes",
            "GB/s",
            "peak",
            "GFLOP/s",
            "peak",
            cpu,
        ]))
    }

    fn operation(&mut self, row: &Row) -> Result<()> {
        let time = row.device_s.unwrap_or(row.timing.median_s);
        self.text(&line([
            &row.case,
            &duration(row.timing.median_s),
            &row.device_s.map(duration).unwrap_or_default(),
            &dispatches(row),
            &row.bytes.map(bytes).unwrap_or_default(),
            &row.bytes.map(|bytes| rate(bytes / time / 1e9)).unwrap_or_default(),
            &row.share_of_bandwidth.map(share).unwrap_or_default(),
            &row.flops.map(|flops| rate(flops / time / 1e9)).unwrap_or_default(),
            &row.share_of_flops.map(share).unwrap_or_default(),
            &row.cpu_median_s.map(duration).unwrap_or_default(),
        ]))
    }

    fn models_header(&mut self, kind: &str, unit: &str, beside: bool) -> Result<()> {
        let cpu = if beside { "on the CPU" } else { "" };
        self.text(&model_line([kind, "time", "on device", "dispatches", "submits", unit, cpu]))
    }

    fn model(&mut self, row: &Row) -> Result<()> {
        // Both did the same sentences.
        let on_cpu = row.rate.zip(row.cpu_median_s).map(|(here, cpu)| rate(here * row.timing.median_s / cpu));
        self.text(&model_line([
            &row.case,
            &duration(row.timing.median_s),
            &row.device_s.map(duration).unwrap_or_default(),
            &dispatches(row),
            &if row.counters.submits > 0 { row.counters.submits.to_string() } else { "–".to_owned() },
            &row.rate.map(rate).unwrap_or_default(),
            &on_cpu.unwrap_or_default(),
        ]))
    }

    /// How long each kernel took, where that was asked for.
    fn kernels(&mut self, row: &Row) -> Result<()> {
        for kernel in row.kernels.iter().flatten() {
            let each = duration(kernel.seconds / kernel.dispatches as f64);
            let (name, time) = (kernel.kernel, duration(kernel.seconds));
            self.text(&format!("    {name:<28} {time:>8} {:>6} × {each}\n", kernel.dispatches))?;
        }
        Ok(())
    }

    /// Everything was measured.
    pub fn finish(&mut self, report: &Report) -> Result<()> {
        if self.json {
            self.output.json(report)?;
        }
        self.output.flush()
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { self.output.show(text) }
    }
}

fn dispatches(row: &Row) -> String {
    if row.counters.dispatches > 0 { row.counters.dispatches.to_string() } else { "–".to_owned() }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{} µs", rate(s * 1e6)),
        s if s < 1.0 => format!("{} ms", rate(s * 1e3)),
        s => format!("{} s", rate(s)),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        b if b < 1e6 => format!("{} kB", rate(b / 1e3)),
        b if b < 1e9 => format!("{} MB", rate(b / 1e6)),
        b => format!("{} GB", rate(b / 1e9)),
    }
}

/// Three digits.
fn rate(number: f64) -> String {
    match number {
        x if x < 10.0 => format!("{x:.2}"),
        x if x < 100.0 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

fn share(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn line([case, time, device, dispatches, bytes, gb, gb_share, gflop, gflop_share, cpu]: [&str; 10]) -> String {
    let text = format!(
        "  {case:<30} {time:>8} {device:>9} {dispatches:>10} {bytes:>8} {gb:>6} {gb_share:>5} {gflop:>8} {gflop_share:>5} {cpu:>9}"
    );
    format!("{}\n", text.trim_end())
}

fn model_line([case, time, device, dispatches, submits, rate, cpu]: [&str; 7]) -> String {
    let text = format!("  {case:<30} {time:>8} {device:>9} {dispatches:>10} {submits:>8} {rate:>12} {cpu:>11}");
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([rate(1.234), rate(12.34), rate(123.4), rate(12345.6)], ["1.23", "12.3", "123", "12346"]);
        assert_eq!([duration(2e-6), duration(0.0125), duration(3.0)], ["2.00 µs", "12.5 ms", "3.00 s"]);
    }
}
