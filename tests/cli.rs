//! The program as a person or a pipe meets it.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::program::{command, seq2seq, text, translate, wait};
use serde_json::Value;

#[test]
fn a_word_is_pronounced() {
    let ended = translate(&["attention"], "");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "AH0 T EH1 N SH AH0 N\n"));
    assert!(ended.stderr.starts_with("device: CPU, ") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    assert_eq!(translate(&["attention", "--quiet"], "").stderr, "");
}

#[test]
fn words_lines_and_files_give_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    std::fs::write(&input, "attention\r\ncat").expect("a file");
    let expected = "AH0 T EH1 N SH AH0 N\nK AE1 T\n";
    assert_eq!(translate(&["attention", "cat"], "").stdout, expected);
    assert_eq!(translate(&[], "attention\ncat\n").stdout, expected);
    assert_eq!(translate(&["--input", text(&input)], "").stdout, expected);

    let ended = translate(&["--input", text(&input), "--output", text(&output)], "");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(&output).expect("the output"), expected);
}

#[test]
fn order_is_kept_across_batches() {
    let words = ["a", "attention", "cat", "internationalization", "model", "is"];
    let single: Vec<String> = words.iter().map(|word| translate(&[word], "").stdout).collect();
    let (lines, expected): (Vec<&str>, Vec<&str>) =
        (0..200).map(|at| at * at % words.len()).map(|at| (words[at], single[at].as_str())).unzip();
    for batch_size in ["1", "7", "64"] {
        let ended = translate(&["--batch-size", batch_size], lines.join("\n"));
        assert_eq!(ended.stdout, expected.concat(), "--batch-size {batch_size}");
    }
}

#[test]
fn bad_lines_keep_their_place() {
    let mut input = b"cat\n\nca+t\n \n\xff\xfe\n".to_vec();
    input.extend(b"a".repeat(100_000));
    input.extend(b"\n");
    input.extend(b"b".repeat(3 << 20));
    input.extend("\ncaf\u{436}\nCAT".as_bytes());
    let ended = translate(&["--quiet"], &input);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "K AE1 T\n\n\n\n\n\n\n\nK AE1 T\n"));
    assert_eq!(
        ended.stderr,
        "\
line 2: the source is empty
line 3: the vocabulary has no symbol for \"+\" (position 2)
line 4: the source is empty
line 5: not UTF-8 (byte 1)
line 6: the source has 100000 symbols, at most 1000 are possible (the maximum source length)
line 7: longer than 1048576 bytes
line 8: the vocabulary has no symbol for \"\u{436}\" (position 3)
"
    );
}

#[test]
fn bad_lines_are_json_too() {
    let ended = translate(&["--json"], "cat\n+\n");
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(ended.code, 1);
    assert_eq!(lines[0]["text"], "K AE1 T");
    assert_eq!(
        lines[1],
        serde_json::json!({"line": 2, "error": "the vocabulary has no symbol for \"+\" (position 0)"})
    );
}

#[test]
fn nothing_in_nothing_out() {
    for args in [&[][..], &["--json"], &["--alignment"]] {
        let ended = translate(args, "");
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn json_holds_symbols_and_alignment() {
    let ended = translate(&["--json", "attention", "cat"], "");
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["line"], 2);
    assert_eq!(lines[1]["source"], serde_json::json!(["c", "a", "t"]));
    assert_eq!(lines[1]["target"], serde_json::json!(["K", "AE1", "T"]));
    assert_eq!(lines[1]["finished"], true);
    for line in lines {
        assert!(line["log_prob"].as_f64().is_some_and(|log_prob| (-5.0..0.0).contains(&log_prob)));
        let rows = line["alignment"].as_array().expect("rows");
        assert_eq!(rows.len(), line["target"].as_array().expect("symbols").len());
        for row in rows {
            let weights: Vec<f64> = row.as_array().expect("a row").iter().filter_map(Value::as_f64).collect();
            assert_eq!(weights.len(), line["source"].as_array().expect("symbols").len());
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-4, "{weights:?}");
        }
    }
}

#[test]
fn alignments_are_drawn_below_each_translation() {
    let drawing = "\
K AE1 T
    c a t
K   ██
AE1   ██
T       ██

";
    // A word after the option is a word.
    for args in [["--alignment", "cat"], ["cat", "--alignment"]] {
        let ended = translate(&args, "");
        assert_eq!((ended.code, ended.stdout.as_str()), (0, drawing));
    }
    assert_eq!(translate(&["--alignment"], "+\ncat\n").stdout, format!("\n{drawing}"));
}

#[test]
fn pictures_hold_every_translation() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("heat.svg");
    let option = format!("--alignment={}", text(&picture));
    for args in [&["cat", "dog", "--alignment", text(&picture)][..], &[&option, "cat", "dog"]] {
        let ended = translate(args, "");
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "K AE1 T\nD AO1 G\n"));
        let svg = std::fs::read_to_string(&picture).expect("a picture");
        std::fs::remove_file(&picture).expect("a picture");
        assert!(svg.contains("cat <tspan") && svg.contains("D AO1 G"), "{svg}");
        check_xml(&svg);
    }
    let ended = translate(&[&option], "cat\n".repeat(103));
    assert_eq!(ended.stdout.lines().count(), 103);
    assert!(ended.stderr.ends_with("the picture holds the first 100 translations, not the other 3\n"));
}

/// Fails unless every tag is closed in its order and no text has a stray `<` or `&`.
fn check_xml(document: &str) {
    let mut open = Vec::new();
    let mut rest = document.trim();
    while let Some(start) = rest.find('<') {
        let (content, tag) = rest.split_at(start);
        for entity in content.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;"].iter().any(|name| entity.starts_with(name)), "&{entity}");
        }
        let end = tag.find('>').expect("the end of a tag");
        let (tag, behind) = (&tag[1..end], &tag[end + 1..]);
        assert!(tag.matches('"').count() % 2 == 0 && !tag.contains('<'), "<{tag}>");
        let name = |tag: &str| tag.split(' ').next().map(str::to_owned);
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), name(closed)),
            None if tag.ends_with('/') => {}
            None => open.extend(name(tag)),
        }
        rest = behind;
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let mut child = command(&["translate", "--device", "cpu", "--quiet"]).spawn().expect("the program");
    let mut stdin = child.stdin.take().expect("a pipe");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, answers) = mpsc::channel();
    thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    for (word, expected) in [("cat", "K AE1 T"), ("", ""), ("dog", "D AO1 G")] {
        writeln!(stdin, "{word}").expect("a reader");
        assert_eq!(answers.recv_timeout(Duration::from_secs(60)).as_deref(), Ok(expected));
    }
    drop(stdin);
    assert_eq!(child.wait().expect("an end").code(), Some(1), "for the empty line");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    for args in [&["--json"][..], &[], &["--alignment"]] {
        let args = [&["translate", "--device", "cpu", "--quiet"], args].concat();
        let mut child = command(&args).spawn().expect("the program");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut stdout = child.stdout.take().expect("a pipe");
        let writer = thread::spawn(move || while stdin.write_all(b"cat\n").is_ok() {});
        stdout.read_exact(&mut [0; 4]).expect("an answer");
        drop(stdout);
        let ended = wait(child);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        writer.join().expect("a writer");
    }
}

#[test]
fn lengths_can_be_limited() {
    let ended = translate(&["--max-length", "2", "cat"], "");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "K AE1\n"));
    assert!(ended.stderr.ends_with("line 1: cut off after 2 symbols (--max-length)\n"), "{}", ended.stderr);
    let ended = translate(&["--max-source-length", "2", "cat"], "");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "\n"));
}

#[test]
fn what_is_wrong_with_the_arguments_is_named() {
    for (args, named) in [
        (&["--frequency", "3"][..], "--frequency"),
        (&["--batch-size", "0", "cat"], "--batch-size"),
        (&["--alignment=heat.doc", "cat"], ".svg"),
        (&["--precision", "f8", "cat"], "f8"),
        (&["--input", "no/such.txt"], "no/such.txt: "),
        (&["--input", "."], ".: "),
        (&["--model", "no/such", "cat"], "no/such"),
        (&["--output", "no/such.txt", "cat"], "no/such.txt: "),
        (&["--alignment", "no/such.svg", "cat"], "no/such.svg: "),
        (&["cat", "--input", "words.txt"], "--input"),
    ] {
        let ended = translate(args, "");
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(named), "{args:?}: {}", ended.stderr);
    }
    let ended = seq2seq(&["translate", "--device", "no such GPU", "cat"], "");
    assert!(ended.code == 2 && ended.stderr.contains("no such GPU"), "{}", ended.stderr);
    assert_eq!(seq2seq(&["transmogrify"], "").code, 2);
    assert_eq!(seq2seq(&[], "").code, 2);
}

#[test]
fn no_file_is_lost_to_a_wrong_argument() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("words.txt");
    std::fs::write(&file, "cat\n").expect("a file");
    for args in [["--input", text(&file)], ["--model", "no/such"]] {
        let ended = translate(&[&args[..], &["--output", text(&file)]].concat(), "");
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), "cat\n");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let ended = translate(&["--output", "/dev/full", "cat"], "");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("/dev/full: "), "{}", ended.stderr);
}

#[test]
fn devices_are_listed() {
    let ended = seq2seq(&["devices"], "");
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.lines().any(|line| line.starts_with("cpu  CPU, ")), "{}", ended.stdout);
    let devices: Value = serde_json::from_str(&seq2seq(&["devices", "--json"], "").stdout).expect("JSON");
    assert!(devices["adapters"].is_array() && devices["cpu"]["threads"].as_u64() >= Some(1));
}

#[test]
fn every_instruction_set_pronounces_alike() {
    let devices: Value = serde_json::from_str(&seq2seq(&["devices", "--json"], "").stdout).expect("JSON");
    let sets = devices["cpu"]["instructions"].as_array().expect("a list").clone();
    assert!(sets.contains(&"scalar".into()), "{sets:?}");
    for set in &sets {
        let device = format!("cpu:{}", set.as_str().expect("a name"));
        for threads in ["1", "3"] {
            let args = ["translate", "--device", &device, "--threads", threads, "colonel", "attention"];
            let ended = seq2seq(&args, "");
            assert_eq!((ended.code, &*ended.stdout), (0, "K ER1 N AH0 L\nAH0 T EH1 N SH AH0 N\n"), "{}", ended.stderr);
            let plural = if threads == "1" { "" } else { "s" };
            assert!(ended.stderr.contains(&format!("CPU, {threads} thread{plural}, ")), "{}", ended.stderr);
        }
    }
    let lacking = if cfg!(target_arch = "x86_64") { "cpu:neon" } else { "cpu:avx2" };
    for device in [lacking, "cpu:sse9"] {
        let ended = seq2seq(&["translate", "--device", device, "a"], "");
        assert!(ended.code == 2 && ended.stderr.contains("this processor has: "), "{device}: {}", ended.stderr);
    }
    assert_eq!(seq2seq(&["translate", "--device", "cpu", "--threads", "0", "a"], "").code, 2);
}

#[test]
fn help_is_on_standard_output() {
    for args in [&["--help"][..], &["translate", "--help"], &["devices", "--help"], &["--version"]] {
        let ended = seq2seq(args, "");
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args:?}");
        assert!(ended.stdout.contains("seq2seq"), "{}", ended.stdout);
    }
}

#[test]
fn a_model_is_stored_in_half_the_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let size = |name: &str, weights: &str| {
        let out = directory.path().join(name);
        let ended = seq2seq(&["convert", "--weights", weights, "--out", text(&out)], "");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let ended = translate(&["--model", text(&out), "attention"], "");
        assert_eq!(ended.stdout, "AH0 T EH1 N SH AH0 N\n");
        std::fs::metadata(out.join("model.safetensors")).expect("weights").len()
    };
    let (single, half) = (size("single", "f32"), size("half", "f16"));
    assert!(half * 2 < single + 10_000, "{half} of {single} bytes");
    let ended = seq2seq(&["convert", "--weights", "f16", "--out", "/proc/nowhere"], "");
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("/proc/nowhere"), "{}", ended.stderr);
}

#[test]
fn alignments_go_into_files_of_every_kind() {
    let directory = tempfile::tempdir().expect("a directory");
    let written = |name: &str| {
        let path = directory.path().join(name);
        let ended = translate(&["--alignment", text(&path)], "attention\n~\noh\n");
        assert_eq!((ended.code, ended.stdout.lines().count()), (1, 3), "{}", ended.stderr);
        std::fs::read(&path).expect("a file")
    };
    assert!(written("a.svg").starts_with(b"<svg"));
    let arrays = written("a.npy");
    assert_eq!(arrays.windows(6).filter(|bytes| bytes == b"\x93NUMPY").count(), 3, "one for each line");
    let tables = String::from_utf8(written("a.tsv")).expect("UTF-8");
    assert!(tables.starts_with("\ta\tt\tt\te\t"), "{tables}");
    let pairs = String::from_utf8(written("a.pharaoh")).expect("UTF-8");
    let pairs: Vec<&str> = pairs.lines().collect();
    assert!(pairs.len() == 3 && pairs[0].starts_with("0-0 ") && pairs[1].is_empty(), "{pairs:?}");

    // A machine without any font can write no labels, and says so.
    let picture = directory.path().join("a.png");
    let ended = translate(&["attention", "--alignment", text(&picture)], "");
    match ended.code {
        0 => assert!(std::fs::read(&picture).expect("a picture").starts_with(b"\x89PNG")),
        code => assert!(code == 2 && ended.stderr.contains("fonts: expected"), "{}", ended.stderr),
    }

    let page = directory.path().join("a.html");
    let ended = translate(&["--report", text(&page)], "attention\n~\n");
    assert_eq!(ended.code, 1);
    let page = std::fs::read_to_string(&page).expect("a page");
    assert!(page.contains("AH0 T EH1 N SH AH0 N") && page.contains("the vocabulary has no symbol"), "{page}");
    assert!(page.trim_end().ends_with("</html>"));
    let ended = translate(&["--alignment=a.doc", "a"], "");
    assert!(ended.code == 2 && ended.stderr.contains(".svg, .png, .tsv, .npy, .json or .pharaoh"), "{}", ended.stderr);
}
