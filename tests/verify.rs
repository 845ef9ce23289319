//! The list of cases on the CPU, and faults that the comparison must find.

mod common;

use std::collections::BTreeSet;

use common::gpu::{gpu_with, gpus_of_halves};
use pollster::block_on;
use seq2seq::backend::Status;
use seq2seq::cpu::{Cpu, Instructions};
use seq2seq::device::Precision;
use seq2seq::gpu::Choices;
use seq2seq::verify::cases::{Case, Values, cases};
use seq2seq::verify::tolerance::Bound;
use seq2seq::verify::{Fault, compare_outputs, outputs, outputs_of, verify};

#[test]
fn the_cpu_in_32_bits_agrees_with_64() {
    let precisions = [Precision::F32, Precision::F16];
    for (instructions, precision) in
        Instructions::available().into_iter().flat_map(|one| precisions.map(|two| (one, two)))
    {
        let cpu = Cpu::<f32>::with(instructions);
        for report in block_on(verify(&cpu, &cases(), precision, Bound::Alone, |_| ())) {
            assert!(report.passed, "{instructions:?}, {precision:?}: {report:#?}");
        }
    }
}

#[test]
fn the_oracle_is_finite_and_says_the_same_twice() {
    for case in cases() {
        let once = block_on(outputs(&Cpu::<f64>::new(), &case, Precision::F32)).expect("an oracle that runs");
        let twice = block_on(outputs(&Cpu::<f64>::new(), &case, Precision::F32)).expect("an oracle that runs");
        assert!(!once.is_empty() && once == twice, "{}: {case}", case.name());
        for output in &once {
            let Values::Numbers(numbers) = &output.values else { continue };
            let masked = case.name() == "attention_scores";
            let fine = |number: &f64| number.is_finite() || masked && *number == f64::NEG_INFINITY;
            assert!(numbers.data.iter().all(fine), "{}: {case}: {}", case.name(), output.name);
        }
    }
}

/// The operations of the contract, as its source declares them: what stands in the traits between prepared weights and the
/// end.
fn contract() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in ["src/backend.rs", "src/backend/training.rs"] {
        let text = std::fs::read_to_string(common::root().join(file)).expect("a file of the sources");
        let (_, declared) = text.split_once("contract! {").expect("a contract");
        let (declared, _) = declared.split_once("\n}\n").expect("its end");
        let lines = declared.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
        names.extend(lines.filter_map(|line| line.split_once('(')).map(|(name, _)| name.to_owned()));
    }
    names
}

#[test]
fn every_operation_has_cases_and_no_case_stands_twice() {
    let names: BTreeSet<String> = cases().iter().map(|case| case.name().to_owned()).collect();
    // Weights are prepared for every case of an operation that has them; three more are whole models.
    let mut expected = contract();
    assert!(expected.remove("linear_weights") && expected.remove("recurrent_weights"), "{expected:?}");
    // A way to search, where a device has it: the searches that are greedy go it.
    assert!(
        ["greedy_weights", "greedy_state", "greedy_steps"].iter().all(|name| expected.remove(*name)),
        "{expected:?}"
    );
    expected.extend(["forced", "greedy", "search"].map(str::to_owned));
    assert_eq!(names, expected);
    let mut seen = BTreeSet::new();
    for case in cases() {
        assert!(seen.insert(format!("{}: {case}", case.name())), "{}: {case} stands twice", case.name());
    }
}

/// Windows that hold nothing give zeros; the cases that have them must have them.
#[test]
fn empty_windows_are_among_the_cases_and_give_zeros() {
    let mut empty = 0;
    for case in cases().iter().filter(|case| case.name() == "attention") {
        let outputs = block_on(outputs(&Cpu::<f64>::new(), case, Precision::F32)).expect("an oracle that runs");
        let zeros = outputs.iter().all(|output| match &output.values {
            Values::Numbers(numbers) => numbers.data.iter().all(|&number| number == 0.0),
            Values::Ids(_) => false,
        });
        empty += usize::from(zeros);
    }
    assert_eq!(empty, 2);
}

/// Some searches end, at different steps, and some do not; some are won before their limit.
#[test]
fn searches_end_and_go_on() {
    let (mut ended, mut won) = (BTreeSet::new(), false);
    for case in cases() {
        let Case::Extend(extend) = &case else { continue };
        for output in block_on(outputs(&Cpu::<f64>::new(), &case, Precision::F32)).expect("an oracle that runs") {
            if let (Values::Ids(status), "status") = (output.values, output.name) {
                let (live, after) = (status.row(Status::Live as usize), status.row(Status::Ended as usize));
                ended.extend(after.iter().copied());
                won |= live
                    .iter()
                    .zip(after)
                    .any(|(&live, &after)| live > 0 && (1..(extend.limit as u32).saturating_sub(2)).contains(&after));
            }
        }
    }
    assert!(ended.contains(&0) && ended.len() > 3, "{ended:?}");
    assert!(won, "no search was won with hypotheses that live");
}

/// Every path through the kernels: what an adapter lacks, another's test has run.
#[test]
fn the_gpu_agrees_with_the_cpu() {
    let paths = [Precision::F32, Precision::F16].into_iter().flat_map(Choices::every_path);
    for (path, choices) in paths.filter(|(_, choices)| !choices.multiplies_halves()) {
        let Some(gpu) = gpu_with("the_gpu_agrees_with_the_cpu", choices) else { return };
        for report in block_on(verify(&gpu, &cases(), choices.precision, Bound::BesideCpu, |_| ())) {
            assert!(report.passed, "{path}, {:?}: {report:#?}", choices.precision);
        }
    }
}

/// By the hardware's matrices where there are any; what stands around them everywhere.
#[test]
fn products_of_halves_agree_with_the_cpu() {
    for gpu in gpus_of_halves("products_of_halves_agree_with_the_cpu") {
        let choices = gpu.choices();
        for report in block_on(verify(&gpu, &cases(), choices.precision, Bound::of(choices), |_| ())) {
            assert!(report.passed, "{choices:?}: {report:#?}");
        }
    }
}

#[test]
fn the_gpu_says_the_same_twice() {
    let Some(gpu) = gpu_with("the_gpu_says_the_same_twice", Choices::best(Precision::F32)) else { return };
    for case in cases() {
        let [once, twice] = [(); 2].map(|()| block_on(outputs(&gpu, &case, Precision::F32)).expect("a GPU that runs"));
        assert!(once == twice, "{}: {case}", case.name());
    }
}

/// The names of the operations that fail where the CPU misreads its inputs, or where what it writes is spoiled.
fn failing(fault: Option<Fault>, spoil: impl Fn(&mut [f64])) -> BTreeSet<&'static str> {
    let cpu = Cpu::<f64>::new();
    let mut failing = BTreeSet::new();
    for case in cases() {
        let inputs = case.inputs(Precision::F32);
        let want = block_on(outputs_of(&cpu, &case, &inputs)).expect("an oracle that runs");
        let misread = fault.map_or(inputs, |fault| inputs.misread(fault));
        let mut got = block_on(outputs_of(&cpu, &case, &misread)).expect("a faulty device that runs");
        for output in &mut got {
            if let Values::Numbers(numbers) = &mut output.values {
                spoil(&mut numbers.data);
            }
        }
        if compare_outputs(&got, &want, &[]).iter().any(|comparison| !comparison.passed) {
            failing.insert(case.name());
        }
    }
    failing
}

#[test]
fn without_a_fault_nothing_fails() {
    assert_eq!(failing(None, |_| ()), BTreeSet::new());
}

#[test]
fn a_dropped_mask_fails() {
    let failing = failing(Some(Fault::NoLengths), |_| ());
    let trained = ["recurrent_forward", "recurrent_backward", "recurrent_weight_backward", "attention_backward"];
    let operations =
        ["attention", "attentional_state", "attention_scores", "recurrent_layer", "forced", "greedy", "search"];
    for operation in operations.into_iter().chain(trained) {
        assert!(failing.contains(operation), "{operation} passes without lengths");
    }
}

#[test]
fn a_transposed_weight_fails() {
    let failing = failing(Some(Fault::TransposedWeight), |_| ());
    for operation in ["linear", "attentional_state", "extend", "forced", "greedy", "search"] {
        assert!(failing.contains(operation), "{operation} passes with a transposed weight");
    }
}

#[test]
fn swapped_gates_fail() {
    let failing = failing(Some(Fault::SwappedGates), |_| ());
    for operation in ["recurrent_layer", "recurrent_step", "forced", "greedy", "search"] {
        assert!(failing.contains(operation), "{operation} passes with swapped gates");
    }
}

/// Operations whose outputs are numbers; the others choose or mask.
const NUMBERS: [&str; 19] = [
    "embedding",
    "linear",
    "recurrent_layer",
    "attention",
    "attentional_state",
    "log_softmax",
    "mix",
    "extend",
    "cover",
    "forced",
    "search",
    "matmul_nt",
    "matmul_tn",
    "dropout",
    "recurrent_backward",
    "attention_memory_backward",
    "generator_loss",
    "gradient_norm",
    "update",
];

#[test]
fn one_nan_fails() {
    let failing = failing(None, |numbers| {
        if let Some(last) = numbers.last_mut() {
            *last = f64::NAN;
        }
    });
    for operation in NUMBERS {
        assert!(failing.contains(operation), "{operation} passes with a NaN");
    }
}

#[test]
fn one_element_off_by_a_hundredth_fails() {
    let failing = failing(None, |numbers| {
        let finite = numbers.iter_mut().filter(|number| number.is_finite());
        if let Some(largest) = finite.max_by(|a, b| a.abs().total_cmp(&b.abs())) {
            *largest *= 1.01;
        }
    });
    for operation in NUMBERS {
        assert!(failing.contains(operation), "{operation} passes with an element off by 1 %");
    }
}

#[cfg(feature = "cli")]
#[test]
fn the_program_checks_the_cpu() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_seq2seq"))
        .args(["verify", "--device", "cpu", "--json"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["passed"], true);
    let operations: BTreeSet<_> = cases().iter().map(Case::name).collect();
    assert_eq!(json["devices"][0]["operations"].as_array().map(Vec::len), Some(operations.len()));
}
