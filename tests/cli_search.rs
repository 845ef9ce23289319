//! Beam search, ensembles, dictionaries and scores, as a person meets them.

mod common;

use common::program::{Ended, seq2seq, text, translate};
use common::{TestResult, g2p, shared};
use seq2seq::model::{Model, Parameters, WeightFormat};
use seq2seq::text::Tokenizer;
use serde_json::Value;

fn json(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn the_best_come_first_in_the_format_of_moses() {
    let ended = translate(&["--quiet", "--beam", "5", "--n-best", "3"], "colonel\n+\nread\n");
    assert_eq!((ended.code, ended.stderr.lines().count()), (1, 1), "{}", ended.stderr);
    let lines: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split(" ||| ").collect()).collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines.iter().map(|fields| fields[0]).collect::<String>(), "000222");
    assert_eq!((lines[0][1], lines[3][1], lines[4][1]), ("K ER1 N AH0 L", "R IY1 D", "R EH1 D"));
    for of_one in lines.chunks(3) {
        let scores: Vec<f64> = of_one.iter().map(|fields| fields[3].parse().expect("a score")).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] < 0.0, "{scores:?}");
        assert!(of_one.iter().all(|fields| fields.len() == 4 && fields[2].starts_with("logprob= -")));
    }
    // As many are kept as are asked for.
    assert_eq!(translate(&["--quiet", "--n-best", "3"], "read").stdout.lines().count(), 3);
}

#[test]
fn the_best_and_the_others_are_json() {
    let options = ["--json", "--quiet", "--beam", "6", "--n-best", "4", "--length-penalty", "length:1"];
    let ended = translate(&[&options[..], &["read"]].concat(), "");
    let [line] = &json(&ended)[..] else { panic!("{}", ended.stdout) };
    let others = line["others"].as_array().expect("the others");
    assert_eq!((line["text"].as_str(), others.len(), line["from"].as_str()), (Some("R IY1 D"), 3, Some("model")));
    for target in others.iter().chain([line]) {
        let symbols = target["target"].as_array().expect("symbols").len();
        assert!((number(&target["score"]) - number(&target["log_prob"]) / (symbols + 1) as f64).abs() < 1e-6);
        assert_eq!(target["alignment"].as_array().map(Vec::len), Some(symbols));
        assert_eq!(target["finished"], true);
    }
}

#[test]
fn nothing_that_is_no_text_is_found() {
    // A model that was taught with smoothed labels gives pad and bos some probability: with many hypotheses it would show.
    let ended = translate(&["--json", "--quiet", "--beam", "100", "--n-best", "100", "a"], "");
    let [line] = &json(&ended)[..] else { panic!("{}", ended.stdout) };
    let others = line["others"].as_array().expect("the others");
    assert_eq!(others.len(), 99);
    for symbols in others.iter().map(|other| other["target"].as_array().expect("symbols")) {
        assert!(symbols.iter().all(|symbol| symbol != "<pad>" && symbol != "<bos>"), "{symbols:?}");
    }
}

#[test]
fn every_log_probability_is_the_models_own() {
    let words = "attention\ncolonel\na\nworcestershire\nread\nmississippi\n";
    let found = json(&translate(&["--json", "--quiet", "--beam", "8", "--n-best", "8"], words));
    let mut pairs = String::new();
    let mut expected = Vec::new();
    for line in &found {
        let source: String = line["source"].as_array().expect("symbols").iter().filter_map(Value::as_str).collect();
        for target in line["others"].as_array().expect("the others").iter().chain([line]) {
            pairs += &format!("{source}\t{}\n", target["text"].as_str().expect("a text"));
            expected.push(target);
        }
    }
    let scored = seq2seq(&["score", "--device", "cpu", "--json", "--quiet"], &pairs);
    assert_eq!((scored.code, scored.stderr.as_str()), (0, ""));
    let scored = json(&scored);
    assert_eq!(scored.len(), 48);
    let mut largest = 0.0_f64;
    for (scored, expected) in scored.iter().zip(expected) {
        largest = largest.max((number(&scored["log_prob"]) - number(&expected["log_prob"])).abs());
        let log_probs = scored["log_probs"].as_array().expect("numbers");
        assert_eq!(log_probs.len(), expected["target"].as_array().expect("symbols").len() + 1);
        let sum: f64 = log_probs.iter().map(number).sum();
        assert!((sum - number(&scored["log_prob"])).abs() < 1e-9);
        assert_eq!(scored["target"], expected["target"]);
        let source = scored["source"].as_array().expect("symbols").len();
        let [ours, theirs] = [scored, expected].map(|json| json["alignment"].as_array().expect("rows"));
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            let [ours, theirs] = [ours, theirs].map(|row| row.as_array().expect("weights"));
            assert_eq!((ours.len(), theirs.len()), (source, source));
            for (a, b) in ours.iter().zip(theirs) {
                largest = largest.max((number(a) - number(b)).abs());
            }
        }
    }
    println!("log probabilities and weights differ by {largest:.1e} at most");
    assert!(largest < 1e-4, "{largest:e}");
}

#[test]
fn scores_stand_in_columns_and_bad_pairs_keep_their_place() {
    let input = "colonel\tK ER1 N AH0 L\nno tab\n\ncolonel\tK ? L\na\tb\tc\ncolonel\tL IY1\n";
    let ended = seq2seq(&["score", "--device", "cpu", "--symbols"], input);
    assert_eq!(ended.code, 1);
    let lines: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [4, 1, 1, 1, 1, 4]);
    let parsed =
        |at: usize| -> Vec<f64> { lines[at][..3].iter().map(|field| field.parse().expect("a number")).collect() };
    let ([likely, unlikely], each) = ([parsed(0), parsed(5)], lines[0][3].split(' '));
    assert!(likely[0] > -2.5 && unlikely[0] < -5.0 && likely[1] == 6.0 && unlikely[1] == 3.0);
    let each: Vec<f64> = each.map(|field| field.parse().expect("a number")).collect();
    assert!(each.len() == 6 && (each.iter().sum::<f64>() - likely[0]).abs() < 1e-9);
    assert!((likely[2] - (-likely[0] / 6.0).exp()).abs() < 1e-9);
    for reason in [
        "line 2: expected source, tab, target, found 0 tabs",
        "line 4: the vocabulary has no symbol for \"?\" (position 1)",
        "line 5: expected source, tab, target, found 2 tabs",
        "2 pairs, 9 symbols, loss ",
    ] {
        assert!(ended.stderr.contains(reason), "{reason} is not in {}", ended.stderr);
    }
    let drawn = seq2seq(&["score", "--device", "cpu", "--quiet", "--alignment"], "oh\tOW1\n").stdout;
    assert!(drawn.contains("    o h\nOW1 "), "{drawn}");
}

#[test]
fn wrong_rules_are_named_before_anything_is_created() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.txt");
    for (args, said) in [
        (&["--beam", "0"][..], "beam: expected from 1 to 512, found 0"),
        (&["--beam", "513"], "beam: expected from 1 to 512, found 513"),
        (&["--beam", "3", "--n-best", "4"], "n_best: expected from 1 to the beam, 3, found 4"),
        (&["--n-best", "0"], "n_best: expected from 1 to the beam, 1, found 0"),
        (&["--n-best", "513"], "n_best: expected from 1 to the beam, 512, found 513"),
        (&["--n-best", "2", "--each-word"], "--n-best 2 with --each-word"),
        (&["--length-penalty", "wu:6"], "with ALPHA from 0 to 5"),
        (&["--max-length", "0"], "expected symbols from 1 to 10000"),
        (&["--max-length", "3y"], "expected symbols from 1 to 10000"),
        (&["--length-penalty", "wu"], "expected none, length:ALPHA or wu:ALPHA"),
        (&["--coverage-penalty", "-1"], "coverage_penalty: expected from 0 to 100"),
        (&["--coverage-penalty", "nan"], "coverage_penalty: expected from 0 to 100, found NaN"),
        (&["--dictionary", "/nowhere"], "/nowhere"),
    ] {
        let ended = translate(&[args, &["--output", text(&output), "a"]].concat(), "");
        assert_eq!(ended.code, 2, "{args:?}");
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
        assert!(!output.exists(), "{args:?}");
    }
    // A beam wider than the vocabulary, and one source symbol.
    let ended = translate(&["--beam", "512", "--n-best", "512", "--quiet", "--max-length", "2x", "a"], "");
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 512));
}

/// The model inside the program with its generator's weights a little smaller, in a directory of its own.
fn softer(folder: &std::path::Path, factor: f32) -> TestResult {
    let mut model = Model::load(g2p())?;
    let tensors = model.parameters.iter().map(|(name, array)| {
        let mut array = array.clone();
        if name.starts_with("generator") {
            array.data.iter_mut().for_each(|weight| *weight *= factor);
        }
        (name.to_owned(), array)
    });
    model.parameters = Parameters::new(&model.config, tensors.collect())?;
    Ok(model.save(folder, WeightFormat::F32)?)
}

#[test]
fn an_ensemble_averages_probabilities() -> TestResult {
    let folder = tempfile::tempdir()?;
    softer(folder.path(), 0.7)?;
    let (one, other) = (g2p(), folder.path());
    let score = |models: &[&str]| -> Vec<f64> {
        let models: Vec<&str> = models.iter().flat_map(|model| ["--model", model]).collect();
        let ended =
            seq2seq(&[&["score", "--device", "cpu", "--json", "--quiet"], &models[..]].concat(), "cat\tK AE1 T\n");
        json(&ended)[0]["log_probs"].as_array().expect("numbers").iter().map(number).collect()
    };
    let (one, other) = (text(&one), text(other));
    let [sharp, soft, both] = [score(&[one]), score(&[other]), score(&[one, other])];
    for ((sharp, soft), both) in sharp.iter().zip(&soft).zip(&both) {
        assert!((((sharp.exp() + soft.exp()) / 2.0).ln() - both).abs() < 1e-9, "{sharp} {soft} {both}");
    }
    let options = ["--model", one, "--model", other, "--json", "--quiet", "--beam", "4", "--n-best", "2"];
    for beam in [&options[..6], &options[..]] {
        let found = json(&translate(&[beam, &["cat"]].concat(), ""));
        assert_eq!(found[0]["text"], "K AE1 T");
        assert!((number(&found[0]["log_prob"]) - both.iter().sum::<f64>()).abs() < 1e-4);
    }

    // Another vocabulary is another language.
    let mut model = Model::load(other)?;
    let tokenizer = model.target_tokenizer.as_ref().ok_or("a tokenizer")?.to_json().replace("\"ZH\"", "\"QQ\"");
    model.target_tokenizer = Some(Tokenizer::from_bytes(tokenizer, "target_tokenizer.json")?);
    model.save(other, WeightFormat::F32)?;
    let ended = translate(&["--model", one, "--model", other, "cat"], "");
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("target_tokenizer: expected what ") && ended.stderr.contains(other),
        "{}",
        ended.stderr
    );
    Ok(())
}

#[test]
fn a_dictionary_is_asked_first() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dictionary = folder.path().join("words.tsv");
    std::fs::write(&dictionary, "read\tR EH1 D\nREAD\tR IY1 D\nwgpu\tW EH B G P UW\nca+t\tK AE1 T\n")?;
    let asked = ["--dictionary", text(&dictionary), "--quiet"];
    let ended = translate(&[&asked[..], &["read", "Wgpu", "ca+t", "cat"]].concat(), "");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "R EH1 D\nW EH B G P UW\nK AE1 T\nK AE1 T\n"));

    let found = json(&translate(&[&asked[..], &["--json", "--n-best", "2", "read", "cat"]].concat(), ""));
    assert_eq!((&found[0]["from"], &found[1]["from"]), (&"dictionary".into(), &"model".into()));
    assert_eq!((&found[0]["others"][0]["text"], &found[0]["log_prob"]), (&"R IY1 D".into(), &0.0.into()));
    assert!(found[0].get("alignment").is_none() && found[1]["alignment"].is_array());

    // The words of a text, and one that nobody knows.
    let said = "Read attention, Wgpu: it's cat — 7!\n\n";
    let ended = translate(&[&asked[..], &["--each-word"]].concat(), said);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "line 1, \"7\": the vocabulary has no symbol for \"7\" (position 0)\n")
    );
    assert_eq!(ended.stdout, "R EH1 D | AH0 T EH1 N SH AH0 N | W EH B G P UW | IH1 T S | K AE1 T | \n\n");
    let found = json(&translate(&[&asked[..], &["--each-word", "--json"]].concat(), said));
    let words = found[0]["words"].as_array().ok_or("words")?;
    assert_eq!((words.len(), &words[0]["word"], &words[0]["from"]), (6, &"Read".into(), &"dictionary".into()));
    assert_eq!((&words[3]["word"], &words[3]["text"]), (&"it's".into(), &"IH1 T S".into()));
    assert!(words[5]["error"].is_string() && found[1]["words"].as_array().is_some_and(Vec::is_empty));

    // No alignment is no picture, but a place.
    let pharaoh = folder.path().join("a.pharaoh");
    translate(&[&asked[..], &["--alignment", text(&pharaoh), "read", "oh"]].concat(), "");
    let pharaoh = std::fs::read_to_string(&pharaoh)?;
    assert!(pharaoh.starts_with("\n0-0"), "{pharaoh:?}");

    std::fs::write(&dictionary, "no tab\n")?;
    let ended = translate(&[&asked[..], &["read"]].concat(), "");
    assert!(
        ended.code == 2 && ended.stderr.contains("words.tsv: ") && ended.stderr.contains("line 1"),
        "{}",
        ended.stderr
    );
    Ok(())
}

/// A text of more words than are translated at once: the first are there before the last are translated, each stands once,
/// and the line is one line.
#[test]
fn a_long_text_is_answered_in_parts() -> TestResult {
    let few = ["cat", "dog", "attention", "7"];
    let said: String = (0..20_001).map(|at| format!("{} ", few[at % few.len()])).collect::<String>() + "\ncat\n";
    let (cat, dog, attention) = ("K AE1 T", "D AO1 G", "AH0 T EH1 N SH AH0 N");
    let ended = translate(&["--each-word"], &said);
    assert_eq!(ended.code, 1);
    let expected: Vec<&str> = (0..20_001).map(|at| [cat, dog, attention, ""][at % few.len()]).collect();
    let (first, rest) = ended.stdout.split_once('\n').ok_or("lines")?;
    assert!(first.split(" | ").eq(expected) && rest == "K AE1 T\n");
    assert_eq!(ended.stderr.lines().filter(|line| line.starts_with("line 1, \"7\": ")).count(), 5000);

    let found = json(&translate(&["--each-word", "--json"], &said));
    let words = found[0]["words"].as_array().ok_or("words")?;
    assert_eq!((found.len(), words.len(), &words[20_000]["text"]), (2, 20_001, &cat.into()));
    assert!(words.iter().enumerate().all(|(at, word)| word["word"] == few[at % few.len()]));
    Ok(())
}

/// What no line should be is skipped as it is read, also where lines are typed by a program.
#[test]
fn a_line_without_end_is_no_line() {
    let typed = [vec![b'a'; 5 << 20], b"\ncat\n".to_vec()].concat();
    let ended = seq2seq(&["repl", "--device", "cpu", "--beam", "1"], typed);
    assert!(ended.stderr.contains("the line is longer than 1048576 bytes"), "{}", ended.stderr);
    assert!(ended.code == 0 && ended.stdout.starts_with("K AE1 T"), "{}", ended.stdout);
}

#[test]
fn what_is_typed_is_answered() {
    let typed = "colonel\n:beam 2\n:n-best 1\n:alignment off\nread\n+\n:beam 0\n:nonsense\n:quit\nnever read\n";
    let ended = seq2seq(&["repl", "--device", "cpu"], typed);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (first, rest) = ended.stdout.split_once("\n\n").expect("an answer");
    assert!(first.starts_with("K ER1 N AH0 L  (-"), "{first}");
    assert!(first.contains("\nK   ██") && first.lines().count() == 9, "{first}");
    assert!(rest.contains("beam 2, n-best 1, ") && rest.contains("\nR IY1 D  (-0."), "{rest}");
    assert!(rest.contains(":n-best N") && !rest.contains("██"), "{rest}");
    assert!(
        ended.stderr.contains("no symbol for \"+\"") && ended.stderr.contains("beam: expected"),
        "{}",
        ended.stderr
    );
    let ended =
        seq2seq(&["repl", "--device", "cpu", "--quiet", "--beam", "1", "--history", "/nowhere/history"], "oh\n");
    assert!(ended.code == 2 && ended.stderr.contains("/nowhere/history"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let ended = seq2seq(&["repl", "--device", "cpu", "--quiet", "--beam", "1"], b"oh\n\xff\xfe\noh\n");
    assert!(ended.code == 0 && ended.stderr.contains("not UTF-8"), "{}", ended.stderr);
    assert_eq!(ended.stdout.matches("OW1  (").count(), 2, "{}", ended.stdout);
    let ended = seq2seq(&["repl", "--device", "cpu", "--quiet", "--beam", "1"], "oh\n");
    assert!(ended.code == 0 && ended.stdout.starts_with("OW1  (") && ended.stderr.is_empty(), "{}", ended.stdout);
}

/// A wider beam finds what is as likely or more, for nearly every word; and beam search is no worse than greedy.
#[test]
fn beams_are_worth_their_time() -> TestResult {
    let Some(shared) = shared("beams_are_worth_their_time") else { return Ok(()) };
    let list = std::fs::read_to_string(shared.join("data/cmudict-pronasyl-g014b2b/g014b2b.words"))?;
    let words: Vec<&str> = list.lines().step_by(12).collect();
    let log_probs = |beam: &str| -> Vec<f64> {
        let ended = translate(&["--json", "--quiet", "--beam", beam], words.join("\n"));
        json(&ended).iter().map(|line| number(&line["log_prob"])).collect()
    };
    let [one, five] = [log_probs("1"), log_probs("5")];
    let better = one.iter().zip(&five).filter(|(one, five)| *five > &(*one + 1e-4)).count();
    let worse = one.iter().zip(&five).filter(|(one, five)| *five < &(*one - 1e-4)).count();
    println!("of {} words a beam of 5 finds something more likely for {better}, less likely for {worse}", words.len());
    assert!(better >= 10 && worse * 20 < better, "{better} better, {worse} worse");
    Ok(())
}
