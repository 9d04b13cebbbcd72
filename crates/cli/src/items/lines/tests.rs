//! Lines and documents, and what comes of those that are cut off.

use super::*;

fn read(text: &[u8], longest: usize) -> Vec<(u64, Result<String, &'static str>)> {
    read_as(text, Unit::Document, longest)
}

fn read_as(text: &[u8], unit: Unit, longest: usize) -> Vec<(u64, Result<String, &'static str>)> {
    let mut lines = Lines::with_longest(text, unit, longest);
    let mut all = Vec::new();
    while let Some(batch) = lines.next_batch().unwrap() {
        all.extend(batch.lines().map(|(at, line)| (at, line.map(str::to_owned).map_err(|failed| failed.code))));
    }
    all
}

#[test]
fn every_kind_of_line_end_and_none_at_the_last() {
    let found = read(b"a\r\n\n  \nb\nc", 9);
    assert_eq!(found, [(1, Ok("a".into())), (4, Ok("b".into())), (5, Ok("c".into()))]);
    assert_eq!(read(b"", 9), []);
    assert_eq!(read(b"\n\r\n", 9), []);
}

#[test]
fn a_document_over_several_lines_is_one() {
    let pretty = "{\r\n  \"a\": {\n    \"b\": \"}\"\n  }\n}";
    let found = read(format!("{{}}\n\n{pretty}\r\n{pretty}\n{{}}\n").as_bytes(), 99);
    let whole = || Ok(pretty.to_owned());
    assert_eq!(found, [(1, Ok("{}".into())), (3, whole()), (8, whole()), (13, Ok("{}".into()))]);
    // One that is cut off does not take the next line with it, nor does a line; what it had is looked at anew.
    let cut = "{\n \"a\": {\n{\"b\":1}\n{\n{\"c\":\n[1]\n{\"d\":\"x\ny\n{\n  \"e";
    let expected = [
        (1, Ok("{\n \"a\": {".into())),
        (3, Ok("{\"b\":1}".into())),
        (4, Ok("{".into())),
        (5, Ok("{\"c\":".into())),
        (6, Ok("[1]".into())),
        (7, Ok("{\"d\":\"x".into())),
        (8, Ok("y".into())),
        (9, Ok("{".into())),
        (10, Ok("  \"e".into())),
    ];
    assert_eq!(read(cut.as_bytes(), 99), expected);
}

#[test]
fn a_long_document_fails_as_one() {
    let long = format!("[\n{} 1\n]\n{{}}\n", " 1,\n".repeat(100));
    assert_eq!(read(long.as_bytes(), 50), [(1, Err("DSL-8101")), (104, Ok("{}".into()))]);
    // It ends where it is none any more.
    let cut = format!("[\n{} {{}}\n {{\"a\":1}}\n{{}}\n", " 1,\n".repeat(100));
    let found = read(cut.as_bytes(), 50);
    assert_eq!(found, [(1, Err("DSL-8101")), (103, Ok(" {\"a\":1}".into())), (104, Ok("{}".into()))]);
}

#[test]
fn a_line_that_is_cut_off_costs_no_other() {
    let good: String = (0..1000).map(|number| format!(" {{\"id\":{{\"S\":\"{number}\"}}}}\n")).collect();
    for cut in
        [r#"{"id":{"S":"cut"},"#, r#"{"id":{"S":"#, r#"{"id":"#, "{", "[", r#"{"Items":["#, r#"[{"a":1},"#, "[[1,"]
    {
        let mut expected = vec![(1, Ok(cut.to_owned()))];
        expected.extend(good.lines().zip(2..).map(|(line, number)| (number, Ok(line.to_owned()))));
        assert!(read(format!("{cut}\n{good}").as_bytes(), 9999) == expected, "{cut}");
        // Nor at the end, where it could have gone on.
        let last = format!("{good}{cut}\n \n");
        assert_eq!(read(last.as_bytes(), 9999).len(), 1001, "{cut}");
    }
}

/// Every line of a text is in what was read of it, whatever is cut off.
#[test]
fn every_line_is_accounted_for() {
    let document = "{\n \"Items\": [\n  {\"a\": 1},\n  {\"b\":\n   [2,\n    3]}\n ]\n}\n";
    let text = format!(" {{\"x\":1}}\n{document} [\n{document}  [1,\n {{\"y\":\n {{\"z\":3}}\n");
    let lines: Vec<_> = text.lines().collect();
    for left_out in 0..lines.len() {
        let kept: Vec<_> = lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| *line).collect();
        let found = read(kept.join("\n").as_bytes(), 9999);
        let texts: Vec<_> = found.iter().map(|(_, line)| line.clone().unwrap()).collect();
        assert_eq!(texts.join("\n"), kept.join("\n"), "without line {left_out}");
        let mut number = 1;
        for (at, line) in found {
            assert_eq!(at, number);
            number += line.unwrap().lines().count() as u64;
        }
    }
}

/// What comes to nothing is looked at anew as often as it nests, and no line costs more because many are held.
#[test]
fn what_comes_to_nothing_costs_little() {
    let pairs = " {\"b\":1\n },\n".repeat(30_000);
    let nested = " [\n".repeat(10_000);
    for (text, lines) in [(format!("[\n{pairs}"), 60_001), (nested.clone(), 10_000), (format!("{nested}x\n"), 10_001)] {
        let found = read(text.as_bytes(), LONGEST);
        assert_eq!(found.iter().map(|(_, line)| line.as_ref().unwrap().lines().count()).sum::<usize>(), lines);
    }
    let mut lines = Lines::new(nested.as_bytes(), Unit::Document);
    while lines.next_batch().unwrap().is_some() {
        assert!(lines.held.capacity() < 4 * MUCH, "{}", lines.held.capacity());
    }
}

#[test]
fn lines_alone_make_no_document() {
    let pretty = "{\n \"a\": 1\n}\n";
    let found = read_as(pretty.as_bytes(), Unit::Line, 99);
    assert_eq!(found, [(1, Ok("{".into())), (2, Ok(" \"a\": 1".into())), (3, Ok("}".into()))]);
}

#[test]
fn reading_goes_on_from_a_line() {
    for (first, expected) in [(0, 4), (1, 4), (2, 3), (4, 1), (5, 0), (6, 0), (u64::MAX, 0)] {
        let mut lines = Lines::with_longest(&b"a\nb\n12345678901\nd"[..], Unit::Line, 9);
        assert_eq!(lines.skip_to(first).unwrap(), first < 6);
        let mut numbers = Vec::new();
        while let Some(batch) = lines.next_batch().unwrap() {
            numbers.extend(batch.lines().map(|(number, _)| number));
        }
        assert_eq!(numbers.len(), expected, "{first}");
        assert!(numbers.first().is_none_or(|number| *number == first.max(1)), "{first}");
    }
}

#[test]
fn a_long_line_fails_alone() {
    let found = read(b"12345\n123456\r\n1234567\n12345\r\nx", 5);
    let expected = [
        (1, Ok("12345".into())),
        (2, Err("DSL-8101")),
        (3, Err("DSL-8101")),
        (4, Ok("12345".into())),
        (5, Ok("x".into())),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_line_over_several_buffers_is_whole_and_a_longer_one_is_not_held() {
    let long = [vec![b'x'; 3 * BUFFER], b"\ny\n".to_vec()].concat();
    assert_eq!(read(&long, 4 * BUFFER)[0].1.as_ref().unwrap().len(), 3 * BUFFER);
    let mut lines = Lines::with_longest(&long[..], Unit::Document, 100);
    let batch = lines.next_batch().unwrap().unwrap();
    assert!(batch.text.capacity() <= 2 * BUFFER, "{}", batch.text.capacity());
}

#[test]
fn what_is_not_utf8_or_is_ion_fails_alone() {
    assert_eq!(read(b"\xff\nb", 9), [(1, Err("DSL-8102")), (2, Ok("b".into()))]);
    assert_eq!(read(b"$ion_1_0 {Item:{}}\nb", 99), [(1, Err("DSL-8105")), (2, Ok("b".into()))]);
}
