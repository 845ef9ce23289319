//! Many lines: windows, interruption, memory, and other programs around the filter.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::program::{Ended, command, text, translate, wait};
use common::{TestResult, root};

/// Words of all lengths, that no dictionary has; now and then a line that cannot be translated.
fn words(count: usize) -> String {
    let letter = |at: usize, place: usize| char::from(b'a' + ((at * 7 + place * place * 5 + at / 26) % 26) as u8);
    let word = |at: usize| match at % 97 {
        13 => String::new(),
        31 => "n+m".to_owned(),
        _ => (0..1 + at * at % 11).map(|place| letter(at, place)).collect(),
    };
    (0..count).map(|at| word(at) + "\n").collect()
}

fn written(folder: &Path, name: &str, contents: &str) -> std::io::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, contents)?;
    Ok(path)
}

const SEARCH: [&str; 4] = ["--beam", "3", "--max-length", "3x"];

#[test]
fn windows_batches_and_workers_change_nothing() -> TestResult {
    let folder = tempfile::tempdir()?;
    let input = written(folder.path(), "in.txt", &words(700))?;
    let run = |args: &[&str]| translate(&[&SEARCH, args, &["--input", text(&input)]].concat(), "").stdout;
    let plain = run(&[]);
    assert_eq!(plain.lines().count(), 700);
    for args in [
        &["--window", "1"][..],
        &["--window", "64", "--workers", "3"],
        &["--window", "333", "--batch-size", "17"],
        &["--workers", "7", "--batch-symbols", "50"],
    ] {
        assert_eq!(run(args), plain, "{args:?}");
    }
    assert_eq!(translate(&SEARCH, words(700)).stdout, plain, "a pipe");
    let packed = folder.path().join("in.txt.gz");
    let mut encoder = flate2::write::GzEncoder::new(std::fs::File::create(&packed)?, flate2::Compression::fast());
    encoder.write_all(words(700).as_bytes())?;
    encoder.finish()?;
    assert_eq!(translate(&[&SEARCH[..], &["--input", text(&packed)]].concat(), "").stdout, plain, "gzip");
    Ok(())
}

/// Files that cannot all be written are all left as they are.
#[test]
fn no_file_is_emptied_before_all_can_be_written() -> TestResult {
    let folder = tempfile::tempdir()?;
    let input = written(folder.path(), "in.txt", &words(9))?;
    let kept = written(folder.path(), "kept.json", "[]\n")?;
    let new = folder.path().join("new.svg");
    let nowhere = folder.path().join("nowhere/a.html");
    for (arguments, said) in [
        (&["--output", text(&kept), "--report", text(&nowhere)][..], "nowhere/a.html"),
        (&["--alignment", text(&new), "--report", text(&nowhere)], "nowhere/a.html"),
        (&["--output", text(&kept), "--alignment", text(&kept)], "kept.json: is to be two files at once"),
        (&["--output", text(&input)], "in.txt: is also read, as "),
    ] {
        let ended = translate(&[&["--input", text(&input)], arguments].concat(), "");
        assert!(ended.code == 2 && ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!((std::fs::read_to_string(&kept)?.as_str(), std::fs::read_to_string(&input)?), ("[]\n", words(9)));
        assert!(!new.exists(), "{arguments:?}");
    }
    // Standard input may be that file too.
    let mut command = command(&["translate", "--device", "cpu", "--output", text(&input)]);
    let ended = command.stdin(std::fs::File::open(&input)?).output()?;
    assert_eq!((ended.status.code(), std::fs::read_to_string(&input)?), (Some(2), words(9)));
    Ok(())
}

/// With several translations of a line, their lines and those of their alignments correspond.
#[test]
fn alignments_stand_where_their_translations_do() -> TestResult {
    let folder = tempfile::tempdir()?;
    let pharaoh = folder.path().join("a.pharaoh");
    for (options, lines) in [(&["--n-best", "2"][..], 4), (&[], 3)] {
        let ended = translate(&[&["--alignment", text(&pharaoh), "cat", "+", "dog"], options].concat(), "");
        assert_eq!((ended.code, ended.stdout.lines().count()), (1, lines));
        assert_eq!(std::fs::read_to_string(&pharaoh)?.lines().count(), lines);
    }
    Ok(())
}

/// Whatever an output was cut to, it is continued to what it would have been.
#[test]
fn an_output_that_was_cut_is_continued() -> TestResult {
    let folder = tempfile::tempdir()?;
    let input = written(folder.path(), "in.txt", &words(90))?;
    let output = folder.path().join("out.txt");
    for form in [&[][..], &["--json"], &["--n-best", "2"], &["--each-word"]] {
        let continued = |arguments: &[&str]| {
            let files = ["--window", "16", "--input", text(&input), "--output", text(&output)];
            let ended = translate(&[&SEARCH, form, &files, arguments].concat(), "");
            assert!([0, 1].contains(&ended.code), "{}", ended.stderr);
            std::fs::read(&output).expect("an output")
        };
        let whole = continued(&[]);
        assert!(whole.len() > 500);
        let places = [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 1, whole.len()];
        for cut in places.into_iter().chain((0..whole.len()).step_by(whole.len() / 12)) {
            std::fs::write(&output, &whole[..cut])?;
            assert!(continued(&["--skip-done"]) == whole, "{form:?}, cut to {cut} of {} bytes", whole.len());
        }
        std::fs::remove_file(&output)?;
        assert!(continued(&["--skip-done"]) == whole, "{form:?}, nothing was there");
    }
    std::fs::write(&output, "{\"line\":7}\n")?;
    let files = ["--json", "--skip-done", "--input", text(&input), "--output", text(&output)];
    let ended = translate(&files, "");
    assert!(ended.code == 2 && ended.stderr.contains("out.txt: line 1: JSON of line 7"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&output)?, "{\"line\":7}\n", "another's output is left alone");
    for (held, options, said) in [
        ("{\"line\":1}\n", &[][..], "out.txt: line 1: JSON of a line"),
        ("5 apples\n", &["--n-best", "2"], "out.txt: line 1: none of several lines for each"),
        (&"AH\n".repeat(96), &["--window", "16"], "in.txt: expected more than the 96 lines that are done, found 90"),
    ] {
        std::fs::write(&output, held)?;
        let files = ["--skip-done", "--input", text(&input), "--output", text(&output)];
        let ended = translate(&[&files, options].concat(), "");
        assert!(ended.code == 2 && ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(std::fs::read_to_string(&output)?, held, "another's output is left alone");
    }
    for others in [&["--report", "a.html"][..], &["--alignment"], &["word"]] {
        let ended = translate(&[&["--skip-done", "--output", text(&output)], others].concat(), "");
        assert!(ended.code == 2 && ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
    }
    Ok(())
}

/// Other options, another input: what would be joined does not belong together, and is not.
#[test]
fn another_runs_output_is_not_continued() -> TestResult {
    let folder = tempfile::tempdir()?;
    let all = words(90);
    let input = written(folder.path(), "in.txt", &all)?;
    let output = folder.path().join("out.txt");
    let run = |input: &Path, options: &[&str]| {
        let files = ["--window", "16", "--input", text(input), "--output", text(&output)];
        translate(&[&files, options].concat(), "")
    };
    let other_first = written(folder.path(), "first.txt", &all.replacen("\n", "s\n", 1))?;
    let lines: Vec<&str> = all.lines().collect();
    let (before, after) = lines.split_at(40);
    let other_later = written(folder.path(), "later.txt", &[before, &["otherwise"], &after[1..]].concat().join("\n"))?;
    for (form, input, options) in [
        (&[][..], &other_first, &[][..]),
        (&[], &other_later, &[]),
        (&[], &input, &["--max-length", "3"]),
        (&["--json"], &input, &["--json", "--beam", "3"]),
        (&["--n-best", "2"], &input, &["--n-best", "3", "--beam", "3"]),
        (&["--n-best", "2"], &input, &["--n-best", "2", "--length-penalty", "length:0.5"]),
    ] {
        let options: Vec<&str> = if options.is_empty() { form.to_vec() } else { options.to_vec() };
        run(&folder.path().join("in.txt"), form);
        let held: Vec<u8> =
            std::fs::read(&output)?.split_inclusive(|&byte| byte == b'\n').take(60).flatten().copied().collect();
        std::fs::write(&output, &held)?;
        let ended = run(input, &[&options[..], &["--skip-done"]].concat());
        assert!(
            ended.code == 2 && ended.stderr.contains("another run's output is not continued"),
            "{options:?}: {}",
            ended.stderr
        );
        assert!(std::fs::read(&output)? == held, "{options:?}: left alone");
    }
    Ok(())
}

/// Killed in the middle, as by a power cut, and started again.
#[test]
fn a_killed_run_is_continued() -> TestResult {
    let folder = tempfile::tempdir()?;
    let input = written(folder.path(), "in.txt", &words(6000))?;
    let (whole, output) = (folder.path().join("whole.txt"), folder.path().join("out.txt"));
    let arguments = |output: &Path| -> Vec<String> {
        let files = ["--window", "64", "--json", "--quiet", "--input", text(&input), "--output", text(output)];
        ["translate", "--device", "cpu"]
            .iter()
            .chain(&SEARCH)
            .chain(&files)
            .map(|&argument| argument.to_owned())
            .collect()
    };
    let run = |output: &Path, skip: bool| {
        let mut arguments = arguments(output);
        arguments.extend(skip.then(|| "--skip-done".to_owned()));
        command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).spawn().expect("the program")
    };
    assert_eq!(wait(run(&whole, false)).code, 1);
    let expected = std::fs::read(&whole)?;
    let mut killed = run(&output, false);
    let began = Instant::now();
    while std::fs::metadata(&output).map_or(0, |file| file.len()) < expected.len() as u64 / 3 {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not write");
        std::thread::sleep(Duration::from_millis(1));
    }
    let (killed, waited) = (killed.kill(), killed.wait());
    killed.and(waited)?;
    let kept = std::fs::metadata(&output)?.len();
    assert!(kept < expected.len() as u64, "it ended before it was killed");
    assert_eq!(wait(run(&output, true)).code, 1);
    assert!(std::fs::read(&output)? == expected, "killed at {kept} of {} bytes", expected.len());
    Ok(())
}

/// The most memory that a run has used, in KiB.
#[cfg(target_os = "linux")]
fn peak(input: &Path) -> u64 {
    let arguments = [&["translate", "--device", "cpu"], &SEARCH[..], &["--input", text(input)]].concat();
    let mut child = command(&arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program");
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|size| size.parse().ok());
        peak = size.unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_input() -> TestResult {
    let folder = tempfile::tempdir()?;
    let few = peak(&written(folder.path(), "few.txt", &words(6_000))?);
    let many = peak(&written(folder.path(), "many.txt", &words(30_000))?);
    println!("{few} KiB for 6,000 lines, {many} for 30,000");
    assert!(few > 1000 && many * 10 < few * 11, "{few} and {many} KiB");
    Ok(())
}

/// Random options and lines: an answer or an error, and nothing else.
#[test]
fn no_options_and_lines_make_it_panic() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    for round in 0..60 {
        let mut arguments: Vec<String> = vec!["translate".into(), "--device".into(), "cpu".into()];
        let values: [(&str, &[&str]); 11] = [
            ("--beam", &["0", "1", "2", "7", "43", "100", "512", "513", "-1", "x"]),
            ("--n-best", &["0", "1", "3", "50", "600"]),
            ("--length-penalty", &["none", "length:0", "length:1", "wu:0.6", "wu:100", "length:-1", "x"]),
            ("--coverage-penalty", &["0", "0.5", "100", "101", "nan"]),
            ("--max-length", &["0", "1", "2", "17", "1x", "0.1x", "3x", "infx"]),
            ("--batch-size", &["1", "3", "65536", "0"]),
            ("--batch-symbols", &["1", "40", "100000000"]),
            ("--window", &["1", "5", "1000000"]),
            ("--workers", &["1", "5", "64"]),
            ("--max-source-length", &["1", "9", "100000"]),
            ("--each-word", &[]),
        ];
        for (name, values) in values {
            if below(3) == 0 {
                arguments.push(name.into());
                if !values.is_empty() {
                    arguments.push(values[below(values.len() as u64) as usize].into());
                }
            }
        }
        for flag in ["--json", "--replace-unknown", "--quiet", "--alignment"] {
            if below(4) == 0 {
                arguments.push(flag.into());
            }
        }
        let line = |below: &mut dyn FnMut(u64) -> u64| -> Vec<u8> {
            (0..below(14)).map(|_| if below(9) == 0 { below(256) as u8 } else { b'a' + below(26) as u8 }).collect()
        };
        let lines: Vec<Vec<u8>> = (0..below(6)).map(|_| line(&mut below)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let Ended { code, stderr, .. } = common::program::seq2seq(&arguments, lines.join(&b'\n'));
        assert!(
            [0, 1, 2].contains(&code) && !stderr.contains("panicked"),
            "round {round}, {arguments:?}: {code}\n{stderr}"
        );
    }
}

/// Whether a program runs with these arguments; otherwise it says that the test `name` is skipped.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn runs(name: &str, program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    let runs = output.is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("skipped: {name} needs {program} {}", arguments.join(" "));
    }
    runs
}

/// The lines of the other engines, beside those of one process.
fn beside_one_process(command: &mut Command, input: &Path) -> TestResult {
    let one = translate(&[&SEARCH, &["--input", text(input)][..]].concat(), "").stdout;
    let output = command.env("SEQ2SEQ", env!("CARGO_BIN_EXE_seq2seq")).output()?;
    assert!(one == String::from_utf8(output.stdout)?, "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn gnu_parallel_gives_what_one_process_gives() -> TestResult {
    if !runs("gnu_parallel_gives_what_one_process_gives", "parallel", &["--version"]) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let input = written(folder.path(), "in.txt", &words(1500))?;
    let mut command = Command::new(root().join("examples/bulk/parallel.sh"));
    command.args(["--device", "cpu"]).args(SEARCH).env("BLOCK", "2k").stdin(std::fs::File::open(&input)?);
    beside_one_process(&mut command, &input)
}

#[test]
fn spark_gives_what_one_process_gives() -> TestResult {
    let python = std::env::var("SEQ2SEQ_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !runs("spark_gives_what_one_process_gives", &python, &["-c", "import pyspark"])
        || !runs("spark_gives_what_one_process_gives", "java", &["-version"])
    {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let input = written(folder.path(), "in.txt", &words(800))?;
    let mut command = Command::new(python);
    command.arg(root().join("examples/bulk/spark.py")).args([text(&input), "/dev/stdout", "--partitions", "3", "--"]);
    command.args(["--device", "cpu"]).args(SEARCH);
    beside_one_process(&mut command, &input)
}
