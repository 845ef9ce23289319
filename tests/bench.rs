//! The benchmark runs, and what it prints is what a program can read.

use std::process::Command;

use serde_json::Value;

fn bench(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_seq2seq"))
        .args(["bench", "--device", "cpu", "--seconds", "0"])
        .args(args)
        .output()
        .expect("the program runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn json_has_a_row_for_each_case() {
    let (code, text) = bench(&["--json"]);
    assert_eq!(code, Some(0));
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert!(json["peaks"]["flops"].as_f64().is_some_and(|flops| flops > 1e8), "{}", json["peaks"]);
    let rows = json["rows"].as_array().expect("rows");
    for row in rows {
        let seconds = ["min_s", "median_s", "max_s"].map(|name| row[name].as_f64().unwrap_or(f64::NAN));
        assert!(0.0 < seconds[0] && seconds[0] <= seconds[1] && seconds[1] <= seconds[2], "{row}");
        assert!(row["n"].as_u64() >= Some(5), "{row}");
        assert!(row["rate"].as_f64() > Some(0.0), "{row}");
        assert_eq!(row["share_of_flops"].is_null(), row["flops"].is_null(), "{row}");
    }
    let names: Vec<&str> = rows.iter().filter_map(|row| row["case"].as_str()).collect();
    for name in ["LSTM 1 layers B1 T50 H512", "attention 64x1x50x512", "greedy A B64 13 steps", "train A B64 dot"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
fn a_part_is_measured_alone_and_shown_as_a_table() {
    let (code, text) = bench(&["--only", "translate"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("CPU, ") && text.contains("greedy A B1 8 steps"), "{text}");
    assert!(!text.contains("LSTM"), "{text}");
}
