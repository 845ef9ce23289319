//! What is the user's stays the user's: files that a command reads, models and checkpoints that are there, signals that are
//! to be ignored.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{TestResult, g2p, signals};
use seq2seq::model::Model;

/// Runs a line of shell in which `seq2seq` is the program, and stops it after five minutes.
fn shell(folder: &Path, line: &str) -> Output {
    let line = format!("seq2seq() {{ timeout 300 {} \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_seq2seq"));
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).current_dir(folder).stdin(Stdio::null()).output().expect("a shell")
}

/// A folder with pairs, words, and a copy of the model that comes with the package.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    let pairs: String =
        ["a\tA", "b\tB", "ab\tA B", "ba\tB A", "aab\tA A B"].map(|pair| pair.to_owned() + "\n").concat();
    fs::write(path.join("pairs.tsv"), pairs.repeat(4))?;
    fs::write(path.join("words.txt"), "attention\n")?;
    fs::hard_link(path.join("words.txt"), path.join("link.txt"))?;
    fs::create_dir(path.join("model"))?;
    for file in ["config.json", "model.safetensors", "source_tokenizer.json", "target_tokenizer.json"] {
        fs::copy(g2p().join(file), path.join("model").join(file))?;
    }
    Ok(folder)
}

/// Every file below a folder, with what it holds.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> = entries
        .flat_map(|path| match path.is_dir() {
            true => contents(&path),
            false => vec![(path.clone(), fs::read(&path).unwrap_or_default())],
        })
        .collect();
    all.sort();
    all
}

const TRAIN: &str = "seq2seq train --device cpu --pairs pairs.tsv --valid 0.3 --hidden-size 8 --embedding-size 4 --steps 3 \
                     --quiet";

#[test]
fn what_is_refused_changes_nothing() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    assert!(shell(path, &format!("{TRAIN} --out done")).status.success());
    fs::write(path.join("plot.svg"), "a picture")?;
    fs::write(path.join("notes.txt"), "one\ntwo\n")?;
    fs::create_dir(path.join("dangling"))?;
    fs::create_dir(path.join("dangling/checkpoint"))?;
    symlink("nowhere", path.join("dangling/checkpoint/checkpoint.safetensors"))?;
    symlink("new.txt", path.join("leads-nowhere"))?;
    for name in ["named", "settings", "locked", "model/.replacement", "long"] {
        fs::create_dir(path.join(name))?;
    }
    fs::create_dir(path.join("named/last"))?;
    fs::copy(path.join("model/config.json"), path.join("named/last/config.json"))?;
    fs::copy(path.join("model/target_tokenizer.json"), path.join("model/.replacement/target_tokenizer.json"))?;
    fs::write(path.join("settings/train.toml"), "[training]\nseed = 3\n")?;
    fs::hard_link(path.join("pairs.tsv"), path.join("locked/.lock"))?;
    fs::write(path.join("broken.gz"), [0x1f, 0x8b])?;
    fs::write(path.join("history"), format!("#V2\n{}", "cat\n".repeat(1500)))?;
    fs::write(path.join("long/config.json"), vec![b' '; 2 << 20])?;
    let before = contents(path);
    let large = TRAIN.replace("--hidden-size 8", "--hidden-size 512");
    for (line, said) in [
        // An input, by another name.
        ("seq2seq translate --device cpu --input words.txt --output link.txt", "link.txt: is also read, as words.txt"),
        (
            "seq2seq translate --device cpu --input words.txt --alignment=link.txt.svg --report words.txt",
            "is also read",
        ),
        ("seq2seq score --device cpu --pairs pairs.tsv --output ./pairs.tsv", "is also read"),
        ("seq2seq evaluate --device cpu --pairs pairs.tsv --hypotheses ./pairs.tsv", "is also read"),
        (&format!("{TRAIN} --out new --log pairs.tsv"), "pairs.tsv: is also read"),
        (&format!("{TRAIN} --out new --plot pairs.tsv"), "pairs.tsv: is also read"),
        (&format!("{TRAIN} --out new --log one.jsonl --plot ./one.jsonl"), "two files at once"),
        // A file of the model in use, or of the one that is to be made.
        ("seq2seq translate --device cpu --model model a --output model/model.safetensors", "is also read"),
        ("seq2seq translate --device cpu --model model a --report model/config.json", "is also read"),
        ("seq2seq repl --device cpu --model model --history model/config.json", "is also read"),
        (&format!("{TRAIN} --out done --overwrite --log done/train.toml"), "is also read"),
        (
            "seq2seq translate --device cpu --model model a --output model/.replacement/target_tokenizer.json",
            "is also read",
        ),
        ("seq2seq translate --device cpu --input words.txt >> words.txt", "is also read"),
        ("seq2seq score --device cpu --pairs pairs.tsv >> pairs.tsv", "is also read"),
        (&format!("{TRAIN} --out settings --config settings/train.toml --overwrite"), "is also read"),
        (&format!("{TRAIN} --out settings"), "settings/train.toml: is there; --overwrite replaces it"),
        (&format!("{TRAIN} --out named"), "named: there is a model without a checkpoint; --overwrite replaces it"),
        (&format!("{TRAIN} --out locked --overwrite"), "locked/.lock: expected the lock of a run"),
        // What cannot be read is known before anything is written.
        ("seq2seq translate --device cpu --input model --output notes.txt", "model: "),
        ("seq2seq translate --device cpu --output notes.txt < model", "standard input: "),
        ("seq2seq translate --device cpu --input broken.gz --output notes.txt", "broken.gz: "),
        ("seq2seq score --device cpu --pairs broken.gz --output notes.txt", "broken.gz: "),
        ("seq2seq translate --device cpu cat --output leads-nowhere --report /nowhere/x.html", "/nowhere/x.html: "),
        // Another's output, though it is shorter than a window.
        ("seq2seq translate --device cpu --skip-done --input words.txt --output notes.txt", "is not continued"),
        // Too little memory, known before the last run is forgotten.
        (&format!("{large} --out done --overwrite --memory 2M"), "out of memory"),
        ("seq2seq translate --device cpu --model long cat", "long/config.json: expected at most 1048576 bytes"),
        // What is no history.
        ("seq2seq repl --device cpu --history history", "history: is no history of typed lines"),
        ("seq2seq repl --device cpu --history notes.txt < notes.txt", "is also read"),
        ("seq2seq repl --device cpu --history notes.txt", "notes.txt: is no history of typed lines"),
        // Models and checkpoints.
        (&format!("{TRAIN} --out model"), "model: there is a model without a checkpoint; --overwrite replaces it"),
        (&format!("{TRAIN} --out model --resume"), "--overwrite replaces it"),
        (&format!("{TRAIN} --out done"), "there is a checkpoint"),
        (&format!("{TRAIN} --out dangling"), "there is a checkpoint"),
        (&format!("{TRAIN} --out dangling --resume"), "No such file"),
        // What is refused late empties nothing.
        (&format!("{TRAIN} --out done --resume --seed 9 --plot plot.svg --log new.jsonl"), "seed: expected 1"),
        // Options that name nothing.
        ("seq2seq translate --device '' attention", "auto, cpu, gpu"),
        ("seq2seq bench --device cpu --only ops --case nosuch", "--case nosuch: no case"),
        (
            "seq2seq translate --device cpu --skip-done --input words.txt --output /dev/stdout | cat",
            "only a regular file",
        ),
    ] {
        let ended = shell(path, &format!("set -o pipefail; {line}"));
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(2) && stderr.contains(said), "{line}: {:?}: {stderr}", ended.status);
        let after = contents(path);
        // A run that was refused may have locked its folder.
        let locks = |all: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<_> {
            all.iter().filter(|(path, _)| !path.ends_with(".lock")).cloned().collect()
        };
        assert!(locks(&after) == locks(&before), "{line}: files have changed");
    }
    Ok(())
}

#[test]
fn what_may_be_replaced_is() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    fs::write(path.join("model/.config.json.backup.tmp"), "mine")?;
    let weights = fs::read(path.join("model/model.safetensors"))?;
    let trained = shell(path, &format!("{TRAIN} --out model --overwrite"));
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    assert!(fs::read(path.join("model/model.safetensors"))? != weights);
    assert_eq!(fs::read(path.join("model/.config.json.backup.tmp"))?, b"mine");

    fs::write(path.join("old"), "#V2\nattention\n")?;
    for history in ["new", "new", "old"] {
        let typed = format!("printf 'cat\\n:quit\\n' | seq2seq repl --device cpu --quiet --history {history}");
        assert!(shell(path, &typed).status.success(), "{history}");
    }
    assert!(fs::read_to_string(path.join("old"))?.starts_with("#V2\nattention\n"));
    Ok(())
}

/// Where a user may have no further thread, one does all. Root may have any number: it becomes nobody for this.
#[cfg(target_os = "linux")]
#[test]
fn where_no_thread_can_be_had_one_does_the_work() -> TestResult {
    let folder = folder()?;
    let program = folder.path().join("seq2seq");
    fs::copy(env!("CARGO_BIN_EXE_seq2seq"), &program)?;
    shell(folder.path(), "chmod 755 . seq2seq; chmod -R a+r .");
    let become_nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let can = format!("{become_nobody} true && [ $(ps -u 65534 -o pid= | wc -l) -eq 0 ]");
    if !shell(folder.path(), &can).status.success() {
        eprintln!(
            "skipped: where_no_thread_can_be_had_one_does_the_work needs root, setpriv and a user without processes"
        );
        return Ok(());
    }
    for most in [2, 4, 6] {
        let line = format!("{become_nobody} bash -c 'ulimit -u {most}; exec ./seq2seq translate --device cpu -q cat'");
        let ended = shell(folder.path(), &line);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && ended.stdout == b"K AE1 T\n", "{most}: {:?}: {said}", ended.status);
    }
    Ok(())
}

/// A pipe in the place of a file is no file: nobody waits for it.
#[test]
fn a_pipe_in_the_place_of_a_file_is_named() -> TestResult {
    for (name, line) in [
        ("model/config.json", "seq2seq translate --device cpu --model model cat"),
        ("model/target_tokenizer.json", "seq2seq translate --device cpu --model model cat"),
        ("typed", "seq2seq repl --device cpu --history typed"),
        ("out/checkpoint/checkpoint.safetensors", &format!("{TRAIN} --out out --resume")),
    ] {
        let made = format!("mkdir -p $(dirname {name}); rm -f {name}; mkfifo {name}; {line}");
        let ended = shell(folder()?.path(), &made);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(2) && said.contains(name), "{line}: {:?}: {said}", ended.status);
    }
    Ok(())
}

#[test]
fn a_pipe_is_written_to_as_it_comes() -> TestResult {
    let folder = folder()?;
    let line =
        "mkfifo pipe; cat pipe > out & seq2seq translate --device cpu --quiet attention --output pipe; wait; cat out";
    let ended = shell(folder.path(), line);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "AH0 T EH1 N SH AH0 N\n");
    Ok(())
}

#[test]
fn threads_are_as_many_as_make_sense() -> TestResult {
    let folder = folder()?;
    let ended = shell(folder.path(), "RAYON_NUM_THREADS=10000 seq2seq translate --device CPU attention");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && stderr.contains("threads, not 10000"), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "AH0 T EH1 N SH AH0 N\n");
    Ok(())
}

/// `convert` onto a model, killed at moments of all kinds: what is left is the old model or the new one, and a folder that
/// is written to once more holds nothing else.
#[test]
fn a_model_is_replaced_whole_or_not_at_all() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    let convert = |format: &str| {
        let mut convert = Command::new(env!("CARGO_BIN_EXE_seq2seq"));
        convert.args(["convert", "--weights", format, "--out", "model"]).current_dir(path);
        convert.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        convert
    };
    let began = Instant::now();
    assert!(convert("f32").status()?.success());
    let whole = began.elapsed();
    let model =
        |model: Model| (model.config, model.parameters, model.target_tokenizer.map(|file| file.to_json().to_owned()));
    let expected = model(Model::load(g2p())?);
    for turn in 0..40 {
        let mut child = convert(["f16", "f32"][turn % 2]).spawn()?;
        std::thread::sleep(whole * turn as u32 / 40);
        child.kill()?;
        child.wait()?;
        assert!(model(Model::load(path.join("model"))?) == expected, "killed in turn {turn}");
    }
    assert!(convert("f16").status()?.success());
    let left = contents(&path.join("model"));
    let shown = |(path, _): &(std::path::PathBuf, _)| !path.to_string_lossy().contains(".tmp/");
    assert_eq!(left.iter().filter(|file| shown(file)).count(), 4);
    Ok(())
}

/// A training that would take long, once it has begun.
fn training(folder: &Path, before: &str) -> std::io::Result<Child> {
    signals::heed()?;
    let program = env!("CARGO_BIN_EXE_seq2seq");
    let line = TRAIN.replace("seq2seq", program).replace("--steps 3 --quiet", "--steps 1000000 --log log.jsonl");
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{before} exec {line} --out long")]).current_dir(folder).stderr(Stdio::piped());
    let child = shell.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let began = Instant::now();
    while !folder.join("log.jsonl").exists() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(child)
}

/// What there is no memory for is an error that names it, and divided where it can be; nothing is aborted.
#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_not_there_is_named() -> TestResult {
    let folder = folder()?;
    let word = |at: usize| (0..10).map(|place| char::from(b'a' + (at >> place) as u8 % 26)).collect::<String>();
    let pairs: String = (0..20_000).map(|at| format!("{}\tA B {at}\n", word(at))).collect();
    fs::write(folder.path().join("many.tsv"), pairs)?;
    let train = "seq2seq train --device cpu --quiet --steps 3 --out large";
    for (line, named) in [
        (
            format!("ulimit -v 2000000; {train} --pairs pairs.tsv --valid 0.3 --hidden-size 8192"),
            "CPU: out of memory: a model of 5",
        ),
        (
            format!("ulimit -v 1000000; {train} --pairs many.tsv --target-tokens char --batch-size 100000"),
            "CPU: out of memory: a matrix of ",
        ),
        (format!("{train} --pairs many.tsv --target-tokens char --batch-size 20000 --memory 200M"), "a matrix of "),
        ("seq2seq translate --device cpu --memory 5M cat".to_owned(), "CPU: out of memory: the weights of "),
        ("seq2seq translate --device cpu --memory 5X cat".to_owned(), "expected bytes, such as 512M or 4G"),
    ] {
        let ended = shell(folder.path(), &line);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(2) && said.contains(named), "{line}: {:?}: {said}", ended.status);
        assert!(!folder.path().join("large/model.safetensors").exists(), "{line}");
    }
    // What can be divided is, to the same answers.
    let translate = "cut -f1 many.tsv | seq2seq translate --device cpu --quiet --batch-size 20000 --window 20000";
    let [all, parts] = ["", " --memory 150M"].map(|limit| shell(folder.path(), &format!("{translate}{limit}")));
    assert!(all.status.success() && parts.status.success(), "{}", String::from_utf8_lossy(&parts.stderr));
    assert!(all.stdout == parts.stdout && all.stdout.len() > 20_000);
    Ok(())
}

#[test]
fn a_request_to_end_is_heard_from_the_first_moment() -> TestResult {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let folder = folder()?;
        // The file is there before training begins: its steps have hardly begun, if they have.
        let child = training(folder.path(), "")?;
        signals::send(&child, name);
        let ended = child.wait_with_output()?;
        // Before its first moment a signal ends the process as any other.
        let ends = ended.status.code() == Some(130) || ended.status.signal() == Some(number);
        assert!(ends, "{name}: {:?}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
    }
    Ok(())
}

#[test]
fn what_is_to_be_ignored_is() -> TestResult {
    let folder = folder()?;
    let mut child = training(folder.path(), "trap '' HUP;")?;
    let lock = folder.path().join("long/.lock");
    while !lock.exists() {
        assert!(child.try_wait()?.is_none(), "it ended before it began");
        std::thread::sleep(Duration::from_millis(2));
    }
    signals::send(&child, "HUP");
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait()?.is_none(), "a hang-up that nohup ignores ends nothing");
    signals::send(&child, "INT");
    // It says more than a pipe holds, should nobody read.
    assert_eq!(child.wait_with_output()?.status.code(), Some(130));
    Ok(())
}
