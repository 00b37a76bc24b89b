//! Points written the way the platform writes them, read as a run: they are most of what is read of a document, and
//! telling each of their tags apart costs several times as much.

use crate::curve::Point;
use crate::timeseries::{position, quantity};

/// Appends the Points at the start of a piece of markup, where a Period's elements are expected, and returns how many
/// bytes they take. It stops before the first one that is written otherwise or can't be read: that is left to be
/// read by its tokens, with the same result for a Point that is well and a fault that is named for one that isn't.
pub fn run(markup: &[u8], into: &mut Vec<Point>) -> usize {
    let mut rest = markup;
    while let Some((point, after)) = point(rest) {
        into.push(point);
        rest = after;
    }
    markup.len() - rest.len()
}

fn point(rest: &[u8]) -> Option<(Point, &[u8])> {
    let rest = tag(rest, b"<Point>")?;
    let (at, rest) = element(rest, b"<position>", b"</position>")?;
    let (value, rest) = element(rest, b"<quantity>", b"</quantity>")?;
    let rest = tag(rest, b"</Point>")?;
    Some((Point { position: position(at).ok()?, value: quantity(value).ok()? }, rest))
}

fn element<'a>(rest: &'a [u8], start: &[u8], end: &[u8]) -> Option<(&'a str, &'a [u8])> {
    let rest = tag(rest, start)?;
    let (text, rest) = rest.split_at_checked(rest.iter().position(|c| *c == b'<')?)?;
    Some((std::str::from_utf8(text).ok()?, rest.strip_prefix(end)?))
}

fn tag<'a>(rest: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    without_space(rest).strip_prefix(tag)
}

/// What follows the white space. A document is indented deeply, so spaces are passed in eights.
fn without_space(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [b' ', b' ', b' ', b' ', b' ', b' ', b' ', b' ', after @ ..] => after,
            [b' ' | b'\n' | b'\r' | b'\t', after @ ..] => after,
            _ => return rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(markup: &str) -> (Vec<(u32, f64)>, &str) {
        let mut points = Vec::new();
        let taken = run(markup.as_bytes(), &mut points);
        (points.iter().map(|point| (point.position, point.value)).collect(), &markup[taken..])
    }

    const ONE: &str = "<Point><position>1</position><quantity>5.5</quantity></Point>";

    #[test]
    fn a_run_ends_where_the_points_end() {
        let indented = "\r\n          <Point>\n\t<position>2</position>  <quantity>-3</quantity>\n </Point>";
        let markup = format!("{ONE}{indented}\n  </Period>");
        let (points, rest) = read(&markup);
        assert_eq!((points, rest), (vec![(1, 5.5), (2, -3.0)], "\n  </Period>"));
    }

    #[test]
    fn what_is_written_otherwise_or_is_faulty_is_left_with_all_that_follows() {
        for other in [
            "<Point ><position>2</position><quantity>1</quantity></Point>",
            "<Point><quantity>1</quantity><position>2</position></Point>",
            "<Point><position> 2</position><quantity>1</quantity></Point>",
            "<Point><position>2</position><quantity>1,5</quantity></Point>",
            "<Point><position>&#50;</position><quantity>1</quantity></Point>",
            "<Point><position>2</position><quantity>1</quantity><quality>A04</quality></Point>",
            "<Point><position>2</position><quantity>1</qu",
            "<!-- --><Point><position>2</position><quantity>1</quantity></Point>",
        ] {
            let markup = format!("{ONE}{other}{ONE}");
            assert_eq!(read(&markup), (vec![(1, 5.5)], &markup[ONE.len()..]), "{other}");
        }
    }
}
