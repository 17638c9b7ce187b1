"""python -m codex.doctor [--json] [KEY=VALUE]...: the checks where not even `codex` starts."""

from __future__ import annotations

import json
import sys

from codex.doctor.checks import diagnose, lines, report

if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--json"]
    found = diagnose(given)
    print(json.dumps(report(found), indent=2) if "--json" in sys.argv else "\n".join(lines(found)))
    sys.exit(any(finding.state == "fail" for finding in found))
