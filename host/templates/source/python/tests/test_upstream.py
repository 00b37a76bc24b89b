import json
import unittest

import upstream
from upstream import Row, Unreadable

# 2024-01-01T00:00Z.
JANUARY = 1_704_067_200


def row(unit: str, end: str, quantity: float | None) -> dict:
    return {"bmUnit": unit, "settlementPeriod": 1, "halfHourEndTime": end, "quantity": quantity}


class Upstream(unittest.TestCase):
    def test_a_month_is_asked_for_with_its_last_interval(self):
        url = upstream.url("http://here/", "T_A-1", JANUARY, JANUARY + 31 * 86_400)
        path = "/bmrs/api/v1/datasets/B1610/stream"
        query = "from=2024-01-01T00:00Z&to=2024-01-31T23:30Z&bmUnit=T_A-1"
        self.assertEqual(url, f"http://here{path}?{query}")

    def test_rows_of_the_unit_are_read_and_begin_before_their_end(self):
        answer = [
            row("T_A-1", "2024-01-01T00:30:00", 12.5),
            row("T_B-1", "2024-01-01T00:30:00", 7),
            row("T_A-1", "2024-01-01T01:00:00", None),
            row("T_A-1", "2024-01-01T01:30:00", -1),
        ]
        rows = upstream.rows(json.dumps(answer).encode(), "T_A-1")
        self.assertEqual(rows, [Row(JANUARY, 12.5), Row(JANUARY + 3600, -1.0)])

    def test_what_cannot_be_read_is_told(self):
        yesterday = json.dumps([row("T_A-1", "yesterday", 1)])
        for answer in ["", "[", "{}", "<html>", "[1]", "[" * 50_000, yesterday]:
            with self.subTest(answer=answer[:20]), self.assertRaises(Unreadable):
                upstream.rows(answer.encode(), "T_A-1")
        with self.assertRaises(Unreadable):
            upstream.rows(b"\xff\xfe", "T_A-1")
        self.assertEqual(upstream.rows(b"[]", "T_A-1"), [])

    def test_a_code_has_letters_digits_underscores_and_hyphens(self):
        upstream.check_code("T_HOWAO-1")
        for code in ["", "T HOWAO", "T/1", "a&b=c", "T_1\n", "x" * 31]:
            with self.subTest(code=code), self.assertRaises(ValueError):
                upstream.check_code(code)


if __name__ == "__main__":
    unittest.main()
