//! English texts, spoken: those of `english.tsv`, which a reader can extend, and what is no text.

use std::error::Error;

use seq2seq::pronounce;

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn texts_are_spoken_as_people_speak_them() -> TestResult {
    let mut wrong = Vec::new();
    let mut texts = 0;
    let lines = include_str!("english.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
    for line in lines {
        texts += 1;
        let mut columns = line.split('\t');
        let text = columns.next().unwrap_or_default();
        let words = columns.next().ok_or_else(|| format!("{line:?}: expected a tab and words"))?;
        let spoken = pronounce(text)?;
        let found: Vec<&str> = spoken.words.iter().map(|word| word.word.as_str()).collect();
        if found.join(" ") != words {
            wrong.push(format!("{text:?}: expected {words:?}, found {:?}", found.join(" ")));
        }
        if let Some(phones) = columns.next()
            && spoken.to_string() != phones
        {
            wrong.push(format!("{text:?}: expected {phones}, found {spoken}"));
        }
        if !spoken.unread.is_empty() {
            wrong.push(format!("{text:?}: unread: {:?}", spoken.unread));
        }
    }
    assert!(wrong.is_empty(), "{} of {texts} texts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(texts >= 200, "{texts} texts");
    Ok(())
}
