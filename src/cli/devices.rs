//! `seq2seq devices`: what there is to compute on.

use std::fmt::Write as _;

use seq2seq::device::Processor;
use seq2seq::gpu::{Adapter, adapters_blocking};
use serde::Serialize;

use super::failure::Result;
use super::outcome::Outcome;
use super::output::Output;
use super::threads;

/// List the GPUs and the CPU of this machine
///
/// GPUs are listed with their number and name, either of which `--device` understands, and with the optional
/// features and the limits that matter here.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: seq2seq devices --json")]
pub struct Args {
    /// Say of each GPU which form products, recurrent layers, attention and the steps of a search have there, by their shapes
    #[arg(long)]
    verbose: bool,

    /// Print one JSON object instead: {"adapters": [...], "cpu": {...}}
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Devices {
    adapters: Vec<Described>,
    cpu: Processor,
}

#[derive(Serialize)]
struct Described {
    #[serde(flatten)]
    adapter: Adapter,
    /// Shapes, and their forms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forms: Vec<(String, String)>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    threads::limit(None);
    let describe = |adapter: Adapter| {
        let forms = if args.verbose { adapter.forms()? } else { Vec::new() };
        Ok(Described { adapter, forms })
    };
    let adapters = adapters_blocking().into_iter().map(describe).collect::<Result<_>>()?;
    let devices = Devices { adapters, cpu: Processor::here() };
    let mut output = Output::stdout();
    if args.json {
        output.json(&devices)?
    } else {
        output.write(&list(&devices))?
    }
    output.flush()?;
    Ok(Outcome::Fine)
}

fn list(devices: &Devices) -> String {
    let mut text = String::new();
    for Described { adapter, forms } in &devices.adapters {
        let Adapter { index, name, backend, driver, kind, features, limits } = adapter;
        let limits: Vec<String> = limits.iter().map(|(name, value)| limit(name, *value)).collect();
        let rows = [
            ("backend", backend.clone()),
            ("driver", driver.clone()),
            ("type", kind.to_string()),
            ("features", features.join(", ")),
            ("limits", limits.join(", ")),
        ];
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{index}    {name}");
        for (key, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(text, "     {key:<9} {value}");
        }
        for (place, (shape, form)) in forms.iter().enumerate() {
            let _ = writeln!(text, "     {:<9} {shape}: {form}", if place == 0 { "forms" } else { "" });
        }
    }
    if devices.adapters.is_empty() {
        text += "No GPU.\n";
    }
    let _ = writeln!(text, "cpu  {}", devices.cpu);
    let names: Vec<String> = devices.cpu.instructions.iter().map(|name| format!("cpu:{name}")).collect();
    let _ = writeln!(text, "     {:<9} {}", "choices", names.join(", "));
    text
}

/// A limit, with a size in its largest unit that is not a fraction of one.
fn limit(name: &str, value: u64) -> String {
    match name.strip_suffix(" bytes") {
        Some(name) if value >= 1 << 20 => format!("{name} {} MiB", value >> 20),
        Some(name) if value >= 1 << 10 => format!("{name} {} KiB", value >> 10),
        _ => format!("{name} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use seq2seq::gpu::AdapterKind;

    use super::*;

    #[test]
    fn adapters_are_listed_with_what_matters() {
        let adapter = Adapter {
            index: 0,
            name: "Radeon".into(),
            backend: "vulkan".into(),
            driver: "RADV 26".into(),
            kind: AdapterKind::Discrete,
            features: vec!["subgroups".into(), "f16".into()],
            limits: vec![("binding bytes".into(), 1 << 27), ("memory bytes".into(), 1 << 14), ("buffers".into(), 8)],
        };
        let cpu = Processor { threads: 1, simd: "AVX2".into(), instructions: vec!["avx2", "scalar"] };
        let expected = "\
0    Radeon
     backend   vulkan
     driver    RADV 26
     type      discrete
     features  subgroups, f16
     limits    binding 128 MiB, memory 16 KiB, buffers 8
cpu  CPU, 1 thread, AVX2
     choices   cpu:avx2, cpu:scalar
";
        let mut described = Described { adapter, forms: Vec::new() };
        let shown = |described| list(&Devices { adapters: vec![described], cpu: cpu.clone() });
        described.forms = vec![("one".into(), "staged".into()), ("two".into(), "sequence".into())];
        let verbose = expected.replace("cpu  ", "     forms     one: staged\n               two: sequence\ncpu  ");
        assert_eq!(shown(Described { adapter: described.adapter.clone(), forms: Vec::new() }), expected);
        assert_eq!(shown(described), verbose);
        assert_eq!(
            list(&Devices { adapters: vec![], cpu }),
            "No GPU.\ncpu  CPU, 1 thread, AVX2\n     choices   cpu:avx2, cpu:scalar\n"
        );
    }
}
