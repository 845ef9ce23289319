//! The program, run as a person or a pipe runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// How a run ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// `seq2seq ARGS`, not yet started, with pipes.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seq2seq"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the end of a run.
pub fn wait(child: Child) -> Ended {
    let output = child.wait_with_output().expect("an end");
    Ended {
        code: output.status.code().expect("an exit code, not a signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Runs `seq2seq ARGS` with this standard input.
pub fn seq2seq(args: &[&str], stdin: impl AsRef<[u8]>) -> Ended {
    let mut child = command(args).spawn().expect("the program");
    let mut pipe = child.stdin.take().expect("a pipe");
    let stdin = stdin.as_ref().to_vec();
    // The program may end without having read everything: that is no error here.
    let writer = thread::spawn(move || drop(pipe.write_all(&stdin)));
    let ended = wait(child);
    writer.join().expect("a writer");
    ended
}

/// Runs `seq2seq translate --device cpu ARGS`.
pub fn translate(args: &[&str], stdin: impl AsRef<[u8]>) -> Ended {
    seq2seq(&[&["translate", "--device", "cpu"], args].concat(), stdin)
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
