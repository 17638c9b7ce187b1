"""The chart, rendered by Helm's own library and checked against the schemas of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from codex.settings import load_settings

CHART = Path(__file__).parents[2] / "deploy" / "helm"
KUBERNETES = "1.37"
EVERYTHING = {
    "admin": {"secret": "codex-admin"},
    "models": ["smollm2-135m-instruct"],
    "hosts": ["codex.example.org"],
    "secrets": [{"name": "CODEX_EVENTS", "secret": "codex", "key": "events"}],
    "replicas": {
        "enabled": True,
        "accessSecret": "codex-access",
        "settings": [
            "engine=openai_api",
            "engine.base_url=http://vllm:8000/v1",
            "store.events=${secret:CODEX_EVENTS}",
        ],
    },
    "monitoring": {"serviceMonitor": True, "rules": True, "dashboard": True, "keySecret": {"name": "key"}},
    "networkPolicy": {"to": [{"to": [{"podSelector": {"matchLabels": {"app": "vllm"}}}]}]},
}
Documents = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def chart() -> Iterator[helm.Chart]:
    with helm.Chart.load(str(CHART)) as loaded:
        yield loaded


def rendered(chart: helm.Chart, values: dict[str, Any]) -> Documents:
    texts = chart.render(values, name="codex", namespace="team")
    found = [
        document
        for name, text in texts.items()
        if name.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    ]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.fixture(scope="module")
def everything(chart: helm.Chart) -> Documents:
    return rendered(chart, EVERYTHING)


def pods(documents: Documents) -> list[dict[str, Any]]:
    return [it["spec"]["template"]["spec"] for it in documents.values() if "template" in it.get("spec", {})]


def test_helm_finds_no_error() -> None:
    found = helm.lint(str(CHART))
    assert found["errors"] == []
    assert [each["error"] for each in found["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it is", "everything"])
def test_kubernetes_takes_what_is_rendered(chart: helm.Chart, values: dict[str, Any]) -> None:
    documents = rendered(chart, values)
    assert len(documents) == (11 if values else 4)
    for (kind, _), document in documents.items():
        if kind not in {"ServiceMonitor", "PrometheusRule"}:  # of the Prometheus operator
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"settings": ["engine"]}, "/settings/0"),
        ({"secrets": [{"name": "EVENTS"}]}, "missing properties 'secret', 'key'"),
        ({"replica": {}}, "additional properties 'replica' not allowed"),
        ({"monitoring": {"serviceMonitor": True}}, "needs monitoring.keySecret.name"),
    ],
)
def test_values_that_cannot_be_are_refused(chart: helm.Chart, values: dict[str, Any], said: str) -> None:
    with pytest.raises(helm.HelmError, match=said):
        chart.render(values, name="codex", namespace="team")


def test_every_container_is_without_rights_and_cannot_write_to_its_image(everything: Documents) -> None:
    assert len(pods(everything)) == 2
    for pod in pods(everything):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["containers"], *pod["initContainers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_its_settings_are_settings(
    everything: Documents, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "events").write_text("postgresql://codex:x@postgres/codex")
    monkeypatch.setenv("CODEX_EVENTS_FILE", str(tmp_path / "events"))
    for pod in pods(everything):
        first, *overrides = pod["containers"][0]["args"]
        assert first == "serve"
        settings = load_settings(overrides)
        assert "codex.example.org" in settings.server.allowed_hosts
        assert settings.server.grace_seconds < pod["terminationGracePeriodSeconds"]


def test_secrets_are_files_and_never_values(everything: Documents) -> None:
    for pod in pods(everything):
        (given,) = pod["containers"][0]["env"]
        assert given == {"name": "CODEX_EVENTS_FILE", "value": "/run/secrets/codex/CODEX_EVENTS"}
    assert not [name for name in everything if name[0] == "Secret"]


def test_the_owner_of_the_home_is_never_scaled(everything: Documents) -> None:
    scaler = everything["HorizontalPodAutoscaler", "codex-replicas"]
    assert scaler["spec"]["scaleTargetRef"]["kind"] == "Deployment"
    owner = everything["StatefulSet", "codex"]["spec"]
    assert owner["replicas"] == 1
    homes = {
        kind: {it["name"]: it for it in everything[kind, name]["spec"]["template"]["spec"]["volumes"]}["home"]
        for kind, name in (("StatefulSet", "codex"), ("Deployment", "codex-replicas"))
    }
    assert homes["StatefulSet"]["persistentVolumeClaim"] == {"claimName": "codex"}
    assert homes["Deployment"]["emptyDir"] == {}


def test_a_model_that_loads_takes_no_requests_and_is_not_killed(everything: Documents) -> None:
    for pod in pods(everything):
        container = pod["containers"][0]
        assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
        assert "tcpSocket" in container["livenessProbe"]


def test_the_network_policy_lets_out_only_what_is_listed(chart: helm.Chart, everything: Documents) -> None:
    def let_out(documents: Documents) -> list[Any]:
        rules: list[Any] = documents["NetworkPolicy", "codex"]["spec"]["egress"]
        return [[port["port"] for port in rule.get("ports", ())] for rule in rules]

    assert let_out(rendered(chart, {})) == [[53, 53]]
    assert let_out(everything) == [[53, 53], [443], []]
