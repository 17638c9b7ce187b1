"""Dates in their forms and orders, and which of them a text gives as its answer."""

from __future__ import annotations

import math

import pytest

from codex.grading import dates
from codex.items import Item


def verdict(accepted: str, text: str, question: str = "When was it?") -> bool | None:
    """Whether the text counts; None where it is ambiguous."""
    score = dates.score(Item("1", question, (accepted,), "set"), text)
    return None if math.isnan(score) else score > 0.5


@pytest.mark.parametrize(
    ("accepted", "text", "correct"),
    [
        ("20 July 1969", "July 20, 1969", True),
        ("20 July 1969", "20.07.1969", True),
        ("20 July 1969", "20-07-1969", True),
        ("20 July 1969", "1969/07/20", True),
        ("20 July 1969", "07-20-1969", True),
        ("20 July 1969", "20 Jul 69", True),
        ("20 July 1969", "July 20, '69", True),
        ("20 July 1969", "the twentieth of July 1969", True),
        ("20 July 1969", "July 20th 1969", True),
        ("20 July 1969", "20th July, 1969 (a Sunday)", True),
        ("20 July 1969", "20 June 1969", False),
        ("20 July 1969", "21 July 1969", False),
        ("20 July 1969", "20 July 1970", False),
        ("20 July 1969", "July 1969", False),
        ("20 July 1969", "1969", False),
        ("3 April 2020", "03/04/2020", None),
        ("3 April 2020", "04/03/2020", None),
        ("3 April 2020", "03/05/2020", False),
        ("3 March 2020", "03/03/2020", True),
        ("13 April 2020", "13/04/2020", True),
        ("2020", "03/04/2020", True),
        ("3 April 2020", "2020-04-03", True),
        ("3 April 2020", "2020-03-04", False),
        ("April 2020", "3 April 2020", True),
        ("April 2020", "2020-04", True),
        ("April 2020", "04/2020", True),
        ("1969", "July 1969", True),
        ("1969", "1968 or 1969", False),
        ("July 1969", "July or August 1969", False),
        ("20 July 1969", "20 or 21 July 1969", False),
        ("20 July 1969", "le 20 juillet 1969", True),
        ("20 July 1969", "20. Juli 1969", True),
        ("20 July 1969", "20 de julio de 1969", True),
        ("20 July 1969", "20 luglio 1969", True),
        ("20 July 1969", "20 de julho de 1969", True),
        ("20 July 1969", "1969年7月20日", True),
        ("44 BC", "44 BCE", True),
        ("44 BC", "44 AD", False),
        ("44 BC", "44 B.C.", True),
        ("July 4", "4 July", True),
        ("July 4", "the Fourth of July", True),
        ("July 4", "4th of July", True),
        ("July 4", "July 14", False),
        ("July 4, 1776", "On July 4, 1776, not on July 2, 1776", True),
        ("July 2, 1776", "On July 4, 1776, not on July 2, 1776", False),
        ("July 4, 1776", "It was July 4th of 1776.", True),
        ("July 4, 1776", "07041776", False),
        ("1960s", "the 1960s", True),
        ("1960s", "1965", True),
        ("1960s", "1975", False),
        ("1960s", "the 60s", True),
        ("Monday, 5 May 2003", "5 May 2003", True),
        ("5 May 2003", "Monday, 5 May 2003", True),
        ("5 May 2003", "05 May 2003", True),
        ("5 May 2003", "5-May-2003", True),
        ("5 May 2003", "2003-05-05T10:00:00Z", True),
        ("5 May 2003", "May 5", False),
        ("9 November 1989", "In 1989, on November 9, the wall fell.", True),
        ("12 October 1492", "October 12th, fourteen ninety-two", False),
        ("31 December 1999", "12/31/99", True),
        ("31 December 1999", "31/12/99", True),
        ("1066", "The Battle took place in the year 1066 AD.", True),
        ("1066", "October 14, 1066", True),
        ("14 October 1066", "1066-10-14", True),
        ("14 October 1066", "The date was the 14th of October in 1066.", True),
        ("1 May 2000", "May 1st, 2000", True),
        ("1 May 2000", "1er mai 2000", True),
        ("29 February 2020", "Feb 29, 2020", True),
        ("Sept. 11, 2001", "11 September 2001", True),
        ("September 11, 2001", "9/11/2001", None),
        ("September 11, 2001", "9/11/01", None),
        ("1969-07-20", "It was neither 1968-07-20 nor 1969-07-21 but 1969-07-20.", True),
        ("1969-07-20", "**Date:** 20 July 1969", True),
        ("1969-07-20", "The year was 1969; the month was July; the day was the 20th.", False),
    ],
)
def test_a_date_counts_where_every_part_of_it_is_said(accepted: str, text: str, correct: bool | None) -> None:
    assert verdict(accepted, text) is correct


def test_a_year_that_the_question_names_need_not_be_repeated() -> None:
    assert verdict("July 20, 1969", "On July 20.", "On which day of 1969 was it?")
    assert not verdict("July 20, 1969", "On July 20.", "On which day was it?")


def test_an_ambiguous_order_counts_where_the_accepted_answer_is_written_alike() -> None:
    assert verdict("03/04/2020", "It was on 03/04/2020.") is True
    assert verdict("03/04/2020", "It was on 3 April 2020.") is None


@pytest.mark.parametrize(
    "text",
    [
        "July 20, 1969",
        "20 July",
        "July 1969",
        "1969",
        "1969-07-20",
        "20/07/1969",
        "the 1960s",
        "44 BC",
        "AD 79",
        "Sunday, July 20, 1969",
        "on May 5",
        "2001年9月11日",
        "27. Mai 1937",
        "the fourth of July",
    ],
)
def test_a_full_or_partial_date_is_a_date(text: str) -> None:
    assert dates.is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "May",
        "Monday",
        "20",
        "1,969",
        "1939 to 1945",
        "July 20-21, 1969",
        "Paris 1968",
        "19th century",
        "3/4",
        "31 February 2020",
        "13/13/2013",
        "version 2001.1",
        "Y2K",
        "$1999",
    ],
)
def test_a_period_or_a_number_is_no_date(text: str) -> None:
    assert not dates.is_date(text)


@pytest.mark.parametrize(
    "text", ["May 1 " * 4_000, "1/" * 10_000, "20th of " * 3_000, "1969, " * 3_000, "not 1968 " * 2_400]
)
def test_hostile_dates_are_graded_too(text: str) -> None:
    assert verdict("2 June 1999", text) is False


@pytest.mark.parametrize(
    ("text", "correct"), [("in the sixties", True), ("the nineteen-sixties", True), ("the seventies", False)]
)
def test_a_decade_in_words_is_read(text: str, correct: bool) -> None:
    assert verdict("1960s", text) is correct
