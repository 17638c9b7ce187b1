"""Two hundred hostile strings wherever a page shows a text of people, models or documents: nothing runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from playwright.sync_api import Page, expect

from codex.store import Store
from codex.store.labelling.labels import Label
from codex.types import Alternative, Generation, Observation, Passage, Record, Token
from tests.browser import documents
from tests.support.browsing import FITTED, OPENED, Scripted, ask, forget_all, open_page
from tests.support.evaluated import put_calibrator, put_run
from tests.support.scripted import Script

# What leaves the place where a text stands...
ENDS = ("", '">', "'>", "-->", "</script>", "</title>", "</textarea>", "</style>", "]]>", "`}")
# ...and what would run, load or be an element there.
BODIES = (
    "<img data-hit src=x onerror=codexHit=1>",
    "<script data-hit>codexHit=1</script>",
    "<svg data-hit onload=codexHit=1>",
    "<a data-hit href=javascript:codexHit=1>link</a>",
    "<iframe data-hit srcdoc='<script>parent.codexHit=1</script>'></iframe>",
    "<details data-hit open ontoggle=codexHit=1>",
    "<input data-hit autofocus onfocus=codexHit=1>",
    "<link data-hit rel=stylesheet href=codex-hit>",
    "<style data-hit>*{background:url(codex-hit)}</style>",
    "<base data-hit href=codex-hit/>",
    "<form data-hit action=codex-hit><button>Go</button></form>",
    "<math><mtext></mtext><mglyph><style><img data-hit src=x onerror=codexHit=1>",
    "<noscript><p title='</noscript><img data-hit src=x onerror=codexHit=1>'>",
    "&lt;img data-hit src=x onerror=codexHit=1&gt;",
    "\\u003cimg data-hit src=x onerror=codexHit=1\\u003e",
    "${codexHit=1}",
    "{{codexHit=1}}{{constructor.constructor('codexHit=1')()}}",
    "[link](javascript:codexHit=1) ![](codex-hit)",
    '"+(codexHit=1)+"\';codexHit=1//',
    '=HYPERLINK("javascript:codexHit=1")\u202e\u0000<\u0000img data-hit src=x onerror=codexHit=1>',
)
HOSTILE = tuple(end + body for end, body in product(ENDS, BODIES))
SHARES = 10
NAME = '"><img data-hit src=x onerror=codexHit=1>${codexHit=1}'
"""For what takes 64 characters at most."""
HARM = """() => {
  const roots = [document], harm = [];
  for (const root of roots) {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      const loads = ["href", "src", "action", "srcdoc"].map((name) => element.getAttribute(name) ?? "");
      const led = loads.some((value) => /javascript:|codexHit|codex-hit/i.test(value));
      if (led || element.hasAttribute("data-hit")) harm.push(element.outerHTML.slice(0, 200));
    }
  }
  return [...harm, ...("codexHit" in window ? ["it ran"] : [])];
}"""
"""Elements that a hostile string has become, and whether one has run."""


def shares() -> Iterator[str]:
    """All of them in a few texts."""
    assert len(set(HOSTILE)) == 200
    for at in range(SHARES):
        yield " ".join(HOSTILE[at::SHARES]).replace("\u0000", "\ufffd")


def _generation(text: str) -> Generation:
    half, logprob = len(text) // 2, math.log(0.6)
    tokens = tuple(
        Token(at, piece, logprob, entropy=0.5, rank=1, alternatives=(Alternative(at, piece, logprob),))
        for at, piece in enumerate((text[:half].encode(), text[half:].encode()))
    )
    return Generation(text, tokens, "stop", 2, 0.1)


def _run(store: Store) -> None:
    """A run whose every text is hostile, graded, failed and labelled."""
    run = put_run(store, "run-1", name=NAME, graded=120, total=120 + 2 * SHARES)
    records = [
        Record(
            id=f"hostile {at} {failed}",
            group=NAME,
            answers=(text,),
            observation=Observation(
                text,
                _generation(text),
                (_generation(text), _generation("Another.")),
                (Passage("p", "d", NAME, text, 0, len(text)),),
            ),
            signals={"avg_logprob": -0.5},
            correct=None if failed else True,
            grade=None if failed else 1.0,
            seconds=0.1,
            error=text if failed else "",
        )
        for at, text in enumerate(shares())
        for failed in (False, True)
    ]
    store.runs.add(run.id, records)
    put_calibrator(store, run, NAME)
    for at, text in enumerate(shares()):
        verdict = "correct" if at % 2 else "incorrect"
        store.labels.put(
            Label(run.id, f"hostile {at} False", verdict, NAME, text, text, (f"{at}{NAME}"[:64],))  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
def hostile(scripted_server: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    served, workbench = scripted_server, scripted_server.workbench
    served.reset()
    forget_all(served)
    documents.forget_all(served)
    workbench.store.privacy = "full"
    _run(workbench.store)
    name = NAME.replace("/", "") + ".txt"
    documents.indexed(served, tmp_path_factory.mktemp("hostile"), {name: "\n\n".join(shares())})
    for text in shares():
        served.scripts[text[:60]] = Script([text[:80], text[80:]], samples=[text, "No."], others=[text[:40]])
        workbench.answer(text)
        workbench.people.put(text, NAME, question=text, source=text[:900])
    yield served
    documents.forget_all(served)
    forget_all(served)
    served.reset()


def asked(page: Page, served: Scripted) -> Iterator[str]:
    open_page(page, served.url)
    for text in list(shares())[:2]:
        ask(page, text)
        for tab in ("Samples", "Signals", "Evidence", "Steps", "Details", "Token"):
            page.get_by_role("tab", name=tab).click()
            yield f"Ask, {tab}"
        page.get_by_role("listbox", name="Answer, token by token").get_by_role("option").first.click()
        yield "Ask, token"


def shared(page: Page, served: Scripted) -> Iterator[str]:
    trace = served.workbench.answer(next(shares()))
    _, token = served.workbench.store.shares.create(trace.id, NAME)
    page.goto(f"{served.url}shared/{token}")
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_be_visible()
    yield "a shared answer"


def listed(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}history")
    lines = page.locator(".cx-traces tbody a")
    expect(lines.first).to_be_visible(timeout=OPENED)
    yield "Sessions"
    lines.first.click()
    expect(page.get_by_role("listbox", name="Answer, token by token")).to_be_visible()
    yield "Sessions, an answer"


def indexed(page: Page, served: Scripted) -> Iterator[str]:
    documents.open_documents(page, served)
    expect(page.get_by_role("row")).to_have_count(2)
    yield "Documents"
    page.get_by_role("searchbox", name="Search the documents").fill("<img onerror javascript link")
    page.keyboard.press("Enter")
    links = page.get_by_role("region", name="Passages found").get_by_role("link")
    expect(links.first).to_be_visible(timeout=documents.INDEXED)
    yield "Documents, passages"
    links.first.click()
    expect(page.locator(".cx-doctext mark").first).to_be_visible()
    yield "Documents, reader"


def evaluated(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}evaluate?run=run-1")
    expect(page.get_by_role("figure", name="AUROC of each signal")).to_be_visible(timeout=FITTED)
    yield "Evaluate, run"
    page.goto(f"{served.url}evaluate?run=run-1&question=hostile+0+False")
    expect(page.get_by_role("complementary", name="Question").get_by_role("option").first).to_be_visible()
    yield "Evaluate, question"


def calibrated(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}calibrate")
    expect(page.get_by_role("figure", name="After:")).to_be_visible(timeout=FITTED)
    yield "Calibrate"


def labelled(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}label")
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)
    page.get_by_role("textbox", name="Your name", exact=True).fill(NAME)
    page.get_by_role("combobox", name="Answers").select_option("run")
    page.get_by_role("button", name="Start labelling").click()
    expect(page.get_by_role("group", name="Verdict")).to_be_visible()
    page.get_by_role("button", name="Search /").click()
    page.get_by_role("searchbox").fill("codexHit")
    found = page.get_by_role("region", name="Search the queue").get_by_role("listitem")
    expect(found.first).to_be_visible()
    yield "Label, search"
    found.first.get_by_role("button").or_(found.first.get_by_role("link")).first.click()
    yield "Label, an answer"
    page.get_by_role("button", name="All queues").click()
    expect(page.get_by_role("link", name=NAME)).to_be_visible()
    yield "Label, queues"


def queried(page: Page, served: Scripted) -> Iterator[str]:
    page.goto(f"{served.url}sql")
    page.get_by_role("textbox", name="Query").fill(
        'SELECT question, error AS "<img data-hit src=x onerror=codexHit=1>" FROM run_records'
    )
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("table").first).to_contain_text("codexHit", timeout=OPENED)
    yield "SQL, result"
    page.get_by_role("textbox", name="Query").fill("SELECT '<img data-hit src=x onerror=codexHit=1>' FROM")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=OPENED)
    yield "SQL, refusal"


@pytest.mark.parametrize("states", [asked, shared, listed, indexed, evaluated, calibrated, labelled, queried])
def test_a_hostile_text_is_text(
    states: Callable[[Page, Scripted], Iterator[str]], page: Page, hostile: Scripted
) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"A dialog opened: {dialog.message}"))
    for state in states(page, hostile):
        assert page.evaluate(HARM) == [], state
        expect(page.locator("body"), state).to_contain_text("codexHit")
