"""Links to traces over HTTP."""

from __future__ import annotations

from tests.support.serving import Served, assert_error


def test_a_link_is_made_listed_and_revoked(sure: Served) -> None:
    http = sure.http
    trace = http.post("/infer", json={"query": "What is the capital?"}).json()["trace_id"]
    made = http.post(f"/traces/{trace}/shares", json={"label": "for Ada"})
    assert made.status_code == 201
    url = made.json().pop("url")
    assert url.startswith(f"http://127.0.0.1:{sure.port}/shared/")
    (listed,) = http.get("/shares", params={"trace_id": trace}).json()
    assert listed == {name: value for name, value in made.json().items() if name != "url"}
    assert (listed["trace_id"], listed["label"], listed["revoked_at"]) == (trace, "for Ada", None)
    assert sure.workbench.store.shares.trace_of(url.rpartition("/")[2]) == trace
    assert http.delete(f"/shares/{listed['id']}").status_code == 204
    (revoked,) = http.get("/shares", params={"trace_id": trace}).json()
    assert revoked["revoked_at"] is not None


def test_what_is_not_there_is_404_and_a_long_label_422(sure: Served) -> None:
    http = sure.http
    trace = http.post("/infer", json={"query": "What is the capital?"}).json()["trace_id"]
    assert_error(http.post("/traces/nope/shares", json={}), 404)
    assert_error(http.delete("/shares/nope"), 404)
    assert_error(http.post(f"/traces/{trace}/shares", json={"label": "x" * 201}), 422, ["label"])


def test_another_page_may_make_list_and_revoke_nothing(sure: Served) -> None:
    foreign = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    assert_error(sure.http.get("/shares", headers=foreign), 403)
    assert_error(sure.http.delete("/shares/x", headers=foreign), 403)
    assert_error(sure.http.post("/traces/x/shares", json={}, headers=foreign), 403)
