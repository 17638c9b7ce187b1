"""Other people's web pages, in a real browser: whatever they try, they learn nothing and change nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browsing import CHROMIUM, FLAGS, OPENED, Scripted

NAMES = "MAP evil.test 127.0.0.1, MAP rebind.test 127.0.0.1"
"""evil.test serves its own pages; rebind.test did, and its name now leads to Codex."""
WITHOUT_HELP = "--disable-features=LocalNetworkAccessChecks"
"""New versions of Chromium ask before a page from the network reaches this machine; not all browsers do."""

ATTACK = """async ({ codex, folder, session, run }) => {
    const seen = {};
    const attempt = async (name, work) => {
        const late = new Promise((done) => setTimeout(done, 3000, "nothing"));
        try { seen[name] = await Promise.race([work(), late]); } catch (error) { seen[name] = "failed"; }
    };
    const read = async (response) => response.type === "opaque" ? "sent" : `read: ${await response.text()}`;
    const post = (path, body, headers = {}, mode = "no-cors") =>
        fetch(codex + path, { method: "POST", body, headers, mode }).then(read);
    const call = (name, data, component) =>
        JSON.stringify({ component_id: component, fn_name: name, session_hash: "x", data });
    const every = async (name, data, how) => {
        for (let component = 0; component < 12; component++) await how(call(name, data, component));
    };
    const component = "gradio_api/component_server/";
    const text = (body) => post(component, body, { "Content-Type": "text/plain" });
    const full = { level: "full" };
    await attempt("privacy", () => every("set_privacy", full, text));
    await attempt("untyped", () => every("set_privacy", full, (body) => post(component, new Blob([body]))));
    const beacon = (body) => navigator.sendBeacon(codex + component, body);
    await attempt("beacon", () => every("set_privacy", full, beacon));
    await attempt("index", () => every("index", { folder }, text));
    await attempt("delete", () => every("delete_session", { session }, text));
    await attempt("form", async () => {
        for (let id = 0; id < 12; id++) {
            const frame = Object.assign(document.createElement("iframe"), { name: `f${id}` });
            const form = Object.assign(document.createElement("form"), {
                action: codex + component, method: "POST", enctype: "text/plain", target: frame.name });
            const [head, tail] = call("set_privacy", { level: "full", pad: "=" }, id).split("=");
            form.append(Object.assign(document.createElement("input"), { name: head, value: tail }));
            document.body.append(frame, form);
            const loaded = new Promise((done) => (frame.onload = done));
            form.submit();
            await loaded;
        }
    });
    await attempt("join", () => post("gradio_api/queue/join", JSON.stringify({ data: [], fn_index: 0,
        trigger_id: 2, session_hash: "x", event_data: { run: "evil", question: "Evil?" } }),
        { "Content-Type": "text/plain" }));
    await attempt("left", () => post(`codex-runs/${run}/left`));
    await attempt("ask", () => post("infer", '{"query": "Evil?"}', { "Content-Type": "text/plain" }));
    await attempt("upload", () => {
        const form = new FormData();
        form.append("files", new Blob(["x"]), "evil.txt");
        return post("gradio_api/upload", form);
    });
    for (const path of ["sessions", `sessions/${session}`, "healthz", "openapi.json", "config", "",
        "documents", "gradio_api/queue/data?session_hash=x", "gradio_api/dev/reload",
        "passages?query=password"]) {
        await attempt(`cors /${path}`, () => fetch(codex + path).then(read));
        await attempt(`simple /${path}`, () => fetch(codex + path, { mode: "no-cors" }).then(() => "sent"));
    }
    await attempt("preflight json", () => post("infer", '{"query": "Evil?"}',
        { "Content-Type": "application/json" }, "cors"));
    await attempt("preflight component", () => every("set_privacy", full,
        (body) => post(component, body, { "Content-Type": "application/json" }, "cors")));
    const other = (method, path, body) => fetch(codex + path, { method, body }).then(read);
    await attempt("preflight delete", () => other("DELETE", `sessions/${session}`));
    await attempt("preflight put", () => other("PUT", "documents/evil.txt", "x"));
    await attempt("image", () => new Promise((done) => {
        const image = new Image();
        image.onload = () => done(`read: ${image.width}`);
        image.onerror = () => done("failed");
        image.src = `${codex}codex-assets/logo.svg`;
    }));
    await attempt("script", () => new Promise((done) => {
        const script = document.createElement("script");
        script.onload = () => done("read: script");
        script.onerror = () => done("failed");
        script.src = `${codex}codex-assets/vendor/plotly-basic-4.1.1.min.js`;
        document.head.append(script);
    }));
    await attempt("events", () => new Promise((done) => {
        const events = new EventSource(`${codex}gradio_api/queue/data?session_hash=x`);
        events.onmessage = events.onopen = () => done("read: events");
        events.onerror = () => done("failed");
    }));
    await attempt("socket", () => new Promise((done) => {
        const socket = new WebSocket(`${codex.replace("http", "ws")}gradio_api/queue/join`);
        socket.onopen = () => done("read: socket");
        socket.onerror = () => done("failed");
    }));
    await attempt("frame", () => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.onload = () => {
            try { done(frame.contentDocument?.querySelector("gradio-app") ? "read: frame" : "failed"); }
            catch { done("failed"); }
        };
        frame.src = codex;
        document.body.append(frame);
    }));
    return seen;
}"""


@dataclass
class Attacker:
    """A browser whose user visits a page that is not ours."""

    context: BrowserContext
    port: int

    def page(self, address: str) -> Page:
        """A page of the attacker's at that address, whoever answers there."""
        page = self.context.new_page()
        page.route(
            address, lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html")
        )
        page.goto(address)
        return page


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Kittens</title><body><a id='link'>Codex</a>")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def attacker(browser: Browser) -> Iterator[Attacker]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mapped = browser.browser_type.launch(
            executable_path=CHROMIUM, args=[*FLAGS, f"--host-resolver-rules={NAMES}", WITHOUT_HELP]
        )
        yield Attacker(mapped.new_context(), server.server_port)
        mapped.close()
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the user's that is nobody else's business."""
    (tmp_path / "diary.txt").write_text("The password is swordfish.")
    return tmp_path


def state(served: Scripted) -> dict[str, Any]:
    """All that an attack could change."""
    store = served.workbench.store
    return {
        "privacy": store.privacy,
        "sessions": [asdict(session) for session in store.sessions.list()],
        "documents": [document.path for document in served.workbench.index.documents()],
        "uploads": sorted(served.workbench.settings.documents.rglob("*")),
        "asked": list(served.engine.decodes),
        "policy": served.workbench.active.policy,
    }


def attacked(served: Scripted, page: Page, codex: str, folder: Path) -> dict[str, str]:
    """What each attack got, once it is clear that none has changed anything."""
    session = served.workbench.answer("Where?").session_id
    before = state(served)
    seen: dict[str, str] = page.evaluate(
        ATTACK, {"codex": codex, "folder": str(folder), "session": session, "run": "r"}
    )
    assert state(served) == before
    return seen


def test_a_page_of_another_site_reads_nothing_and_changes_nothing(
    attacker: Attacker, scripted: Scripted, folder: Path
) -> None:
    for host in (f"evil.test:{attacker.port}", f"localhost:{attacker.port}", f"x.localhost:{attacker.port}"):
        page = attacker.context.new_page()
        page.goto(f"http://{host}/")
        seen = attacked(scripted, page, scripted.url, folder)
        assert {name: got for name, got in seen.items() if str(got).startswith("read")} == {}, host
        page.close()


def test_a_name_that_is_rebound_to_this_machine_reads_nothing_and_changes_nothing(
    attacker: Attacker, scripted: Scripted, folder: Path
) -> None:
    for host in ("rebind.test", "x.localhost", "localhost."):
        codex = scripted.url.replace("127.0.0.1", host)
        page = attacker.page(f"{codex}kittens")
        seen = attacked(scripted, page, codex, folder)
        got = {name: text for name, text in seen.items() if str(text).startswith("read")}
        assert "cors /sessions" in got, seen
        assert {name: text for name, text in got.items() if "UnknownHost" not in text} == {}, host
        page.close()


def test_a_page_without_an_origin_reads_nothing_and_changes_nothing(
    attacker: Attacker, scripted: Scripted, folder: Path
) -> None:
    page = attacker.page(f"http://evil.test:{attacker.port}/sandbox")
    page.set_content("<iframe sandbox='allow-scripts allow-forms' srcdoc='<body>'></iframe>")
    frame = page.frames[1]
    assert frame.evaluate("origin") == "null"
    session = scripted.workbench.answer("Where?").session_id
    before = state(scripted)
    seen = frame.evaluate(
        ATTACK, {"codex": scripted.url, "folder": str(folder), "session": session, "run": "r"}
    )
    assert state(scripted) == before
    assert {name: got for name, got in seen.items() if str(got).startswith("read")} == {}
    page.close()


def test_a_link_on_another_page_opens_codex_and_shows_that_page_nothing(
    attacker: Attacker, scripted: Scripted
) -> None:
    page = attacker.context.new_page()
    page.goto(f"http://evil.test:{attacker.port}/")
    with page.expect_popup() as opened:
        page.evaluate("(codex) => { window.opened = window.open(codex); }", scripted.url)
    expect(opened.value.get_by_role("textbox", name="Question")).to_be_focused(timeout=OPENED)
    assert page.evaluate("window.opened.closed")
    assert opened.value.evaluate("window.opener") is None
    page.evaluate("(codex) => { link.href = codex; link.click(); }", f"{scripted.url}documents")
    expect(page.get_by_text("Drop files or folders here")).to_be_visible(timeout=OPENED)
    page.close()
    opened.value.close()


def test_a_form_of_another_page_is_refused_where_the_user_sees_it(
    attacker: Attacker, scripted: Scripted
) -> None:
    page = attacker.context.new_page()
    page.goto(f"http://evil.test:{attacker.port}/")
    before = state(scripted)
    for path in ("infer", "sessions/x", "gradio_api/queue/join", ""):
        page.goto(f"http://evil.test:{attacker.port}/")
        page.evaluate(
            """(action) => {
                const form = Object.assign(document.createElement("form"), { action, method: "POST" });
                document.body.append(form);
                form.submit();
            }""",
            f"{scripted.url}{path}",
        )
        expect(page.locator("body")).to_contain_text("ForeignOrigin")
    assert state(scripted) == before
    page.close()
