"""The page in a real browser: it draws, filters, makes CSV, and asks nothing of any network."""

import csv
import io
import re
import shutil
import subprocess

import pytest

from dutchbook.report import html, metrics
from report_story import Story

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "")
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium here (Debian: apt install chromium): the page is not drawn"
)
PROBE = """
<script>
const told = {errors: 0};
addEventListener("error", () => { told.errors += 1; });
addEventListener("securitypolicyviolation", () => { told.errors += 1; });
</script>
"""
ASK = """
<script>
addEventListener("load", () => {
  const view = document.getElementById("grid"), filter = document.getElementById("filter");
  const rows = () => view.querySelectorAll(".r").length;
  told.drawn = rows(); told.all = dutchbook.count();
  view.scrollTop = 1e6; view.dispatchEvent(new Event("scroll"));
  told.atend = rows();
  filter.value = "cross_venue settled"; filter.dispatchEvent(new Event("input"));
  told.found = dutchbook.count(); told.csv = dutchbook.csv();
  const before = getComputedStyle(document.body).backgroundColor;
  document.getElementById("theme").click();
  told.themes = before !== getComputedStyle(document.body).backgroundColor;
  told.wide = document.documentElement.scrollWidth <= innerWidth;
  told.loaded = performance.getEntriesByType("resource").length;
  told.blank = [...document.querySelectorAll("svg.plot")].filter(s => !s.children.length).length;
  told.svgs = document.querySelectorAll("svg.plot").length;
  told.styled = getComputedStyle(document.querySelector("nav")).position;
  const out = document.createElement("pre");
  out.id = "told"; out.textContent = JSON.stringify(told);
  document.body.append(out);
});
</script>
"""


def asked(place, text, width):
    """Load the page with questions in it, and read the answers off its DOM."""
    import html as escapes
    import json

    # The policy forbids other scripts than the page's own: the questions need it away.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    text = text.replace("<head>", "<head>" + PROBE, 1).replace("</body>", ASK + "</body>", 1)
    page = place / f"{width}.html"
    page.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={place / 'profile'}", f"--window-size={width},900", "--dump-dom",
         page.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2_000:]
    return json.loads(escapes.unescape(found[1]))


@pytest.mark.parametrize("width", [1_200, 500])
def test_the_page_works_in_a_browser(tmp_path, width):
    doc = metrics.document(Story(400, 31, nasty=True).record())
    told = asked(tmp_path, html.page(doc), width)
    assert told["errors"] == told["loaded"] == told["blank"] == 0
    assert told["all"] == 400 and 5 < told["drawn"] < 60 and 5 < told["atend"] < 60
    wanted = [row for row in doc["trades"]["rows"] if row[1] == "cross_venue"]
    ending = doc["trades"]["columns"].index("ending")
    wanted = [row for row in wanted if row[ending] == "settled"]
    assert told["found"] == len(wanted) > 10
    rows = list(csv.DictReader(io.StringIO(told["csv"], newline="")))
    assert [row["id"] for row in rows] == [row[0] for row in reversed(wanted)]
    net = doc["trades"]["columns"].index("net")
    assert sum(round(float(row["net"]) * 1e6) for row in rows) == sum(row[net] for row in wanted)
    assert all(row["title"].startswith("'=HYPERLINK") for row in rows)
    assert told["themes"] and told["wide"] and told["styled"] == "sticky" and told["svgs"] > 10


def test_with_its_policy_the_page_still_draws_its_trades(tmp_path):
    """Nothing taken away: the script that the policy names by hash is let through."""
    page = tmp_path / "p.html"
    page.write_text(html.page(metrics.document(Story(40, 31).record())), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "40 of 40 trades" in done.stdout and done.stdout.count('class="r"') > 5
