"""The SQL page: a query by keyboard, its table, plot and file; a refusal that keeps what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsing import OPENED, Scripted, forget_all
from tests.support.evaluated import put_run


@pytest.fixture
def served(scripted: Scripted) -> Scripted:
    forget_all(scripted)
    scripted.reset()
    put_run(scripted.workbench.store, "run-1", name="mine", graded=60)
    return scripted


def open_sql(page: Page, served: Scripted) -> None:
    page.goto(f"{served.url}sql")
    expect(page.get_by_role("button", name="Run")).to_be_visible(timeout=OPENED)


def run(page: Page, query: str) -> None:
    page.get_by_role("textbox", name="Query").fill(query)
    page.keyboard.press("Control+Enter")


def test_a_query_is_run_by_keyboard_and_its_result_is_a_table_a_plot_and_a_file(
    page: Page, served: Scripted, tmp_path: Path
) -> None:
    open_sql(page, served)
    run(page, "SELECT number, grade, '=1+1' AS text FROM run_records WHERE run_id = 'run-1' ORDER BY number")
    result = page.get_by_role("region", name="Result")
    expect(result.get_by_role("heading")).to_contain_text("60 rows", timeout=OPENED)
    expect(result.get_by_role("row")).to_have_count(51)
    result.get_by_role("button", name="Next").press("Enter")
    expect(result.get_by_role("row")).to_have_count(11)
    plot = page.get_by_role("region", name="Plot")
    expect(plot.get_by_role("combobox", name="Y axis")).to_have_value("grade")
    expect(plot.locator(".main-svg").first).to_be_visible(timeout=OPENED)
    with page.expect_download() as download:
        result.get_by_role("button", name="CSV").press("Enter")
    file = tmp_path / "result.csv"
    download.value.save_as(file)
    lines = file.read_text().splitlines()
    assert (len(lines), lines[0], lines[1].endswith(",'=1+1")) == (61, "number,grade,text", True)


def test_a_refused_query_stays_and_says_why(page: Page, served: Scripted) -> None:
    open_sql(page, served)
    run(page, "DROP TABLE labels")
    expect(page.get_by_role("alert")).to_contain_text("Only SELECT and EXPLAIN", timeout=OPENED)
    page.reload()
    expect(page.get_by_role("textbox", name="Query")).to_have_value("DROP TABLE labels", timeout=OPENED)


def test_a_query_that_takes_long_is_stopped(page: Page, served: Scripted) -> None:
    open_sql(page, served)
    run(page, "SELECT count(*) FROM range(10000000) a, range(10000000) b")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_contain_text("cancelled", timeout=OPENED)


def test_the_tables_are_listed(page: Page, served: Scripted) -> None:
    open_sql(page, served)
    page.get_by_text("Tables and their columns").click()
    expect(page.get_by_text("model_inference_token_stats", exact=True)).to_be_visible(timeout=OPENED)
