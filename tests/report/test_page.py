"""The page: all of it is there, none of it can be broken into, a browser has nothing to do."""

import base64
import dataclasses
import hashlib
import html
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from unlabeled.report import Content, page, write
from unlabeled.report.content import Verdict
from unlabeled.report.page import spoken
from unlabeled.report.things import Clusters, End, Extremes, Map, Neighbours

URL = "https://evil.example/x.png"
HOSTILE = (
    f""" "'><img src={URL} onerror="document.title='pwned'">"""
    """<script>document.title='pwned'</script>"""
    """</style></title></svg>--><style>*{display:none}</style> <a href="javascript:alert(1)">&lt;"""
    """ \n\x00\x1b\u202e\u2028\udc80 שלום ]]> {{7*7}}"""
)
ELEMENTS = set(
    re.findall(
        r"\w+",
        "html head meta link title style body main header footer section div p h1 h2 h3 b small bdi"
        " span code pre ul li dl dt dd figure figcaption img table thead tbody tr th td svg g path"
        " circle rect image text",
    )
)


class Structure(HTMLParser):
    """Elements and their attributes in order; texts apart."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements, self.texts = [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.elements.append(("comment", {}))


def test_everything_is_on_the_page(content):
    seen = " ".join(" ".join(Structure(page(content)).texts).split())
    if content.twins:
        for words in ("hardest for the task", "strangest to the encoder", "What is there twice"):
            assert words in seen, words
    for words in (
        "SimCLR", "holiday photos", "It works.", "Train longer.", "Recognise the other view.",
        "24 samples", "88.4 % untrained 79.1 %", "1,234", "how fast it was",
        "share of unseen samples whose", "as stored", "changed", "hidden", "guessed",
        "0.90", "−0.10", "0.12 on average", "cat", "≠", "4 of these 6", "t-SNE, perplexity 7",
        "61%", "photos/3.png", "learned nothing: 5.54", "32 (projection)",
        "88.4", "74.1", "± 1.2", "79.1", "–", "untrained", "10 test images", "stage1",
        "The batch is 64", "ends early", "b.jpg", "adamw", "0.001", "unlabeled pretrain simclr",
        "What falls together", "64% dog", "RankMe 22.2 trained", "RankMe 4.10 untrained",
        "https://arxiv.org/abs/2002.05709", "2 min",
    ):  # fmt: skip
        assert words in seen, words


def test_only_what_is_there_is_mentioned():
    bare = Content(method="BYOL", data="digits", verdict=Verdict("bad", "Collapsed."))
    parsed = Structure(page(bare))
    assert not [e for e, _ in parsed.elements if e in {"section", "h2", "table"}]
    assert "Collapsed." in parsed.texts


def test_text_cannot_change_the_structure(content, spread):
    """The page with hostile text everywhere has the elements of one with harmless text there."""
    harmless = re.sub(r"\S", "a", HOSTILE)
    bad = Structure(page(spread(content, lambda s: s + HOSTILE)))
    good = Structure(page(spread(content, lambda s: s + harmless)))
    assert [(e, list(a)) for e, a in bad.elements] == [(e, list(a)) for e, a in good.elements]


def test_hostile_text_is_shown_and_harmless(content, spread):
    source = page(spread(content, lambda s: s + HOSTILE))
    parsed = Structure(source)
    for element, attributes in parsed.elements:
        assert element in ELEMENTS
        for key, value in attributes.items():
            assert not key.startswith("on")
            assert key != "style"
            if key in {"src", "href", "action", "data", "xlink:href", "srcset", "poster"}:
                assert value.startswith("data:")
    assert sum("onerror=" in words for words in parsed.texts) > 20
    assert r"\n\x00\x1b\u202e\u2028\udc80 שלום" in " ".join(parsed.texts)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\ud800-\udfff]", source)
    source.encode("utf-8")


def test_policy_allows_its_own_style_and_nothing_else(images):
    source = page(images)
    policy = next(a["content"] for e, a in Structure(source).elements if "http-equiv" in a)
    style = re.search(r"<style>(.*?)</style>", source, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_same_content_same_bytes(content, tmp_path):
    a, b = write(tmp_path / "a" / "report.html", content), write(tmp_path / "b.html", content)
    assert a.read_bytes() == b.read_bytes()
    assert [p.name for p in a.parent.iterdir()] == ["report.html"]
    a.write_text("old")
    assert write(a, content).read_bytes() == b.read_bytes()


def test_photographs_fit_in_a_mail(images):
    """What the largest page would show, at 224 pixels in colour: under 3 MB."""
    chance = np.random.default_rng(0)
    coarse = chance.integers(30, 190, (72, 3, 14, 14), dtype=np.uint8).repeat(16, 2).repeat(16, 3)
    photos = coarse + chance.integers(0, 64, coarse.shape, dtype=np.uint8)
    near = photos[:64].reshape(8, 8, 3, 224, 224)
    end = End(things=photos[:8], names=["x.jpg"] * 8, values=np.ones(8), among=512)
    assert images.twins is not None
    big = dataclasses.replace(
        images,
        views=[(f"view {i}", photos[:8]) for i in range(3)],
        picture={},
        neighbours=Neighbours(queries=photos[:8], nearest=near, cosine=np.full((8, 8), 0.5)),
        clusters=Clusters(sheets=[photos[i : i + 12] for i in range(10)], sizes=[400] * 10),
        extremes=Extremes(hardest=end, easiest=end, steady=0.9, strangest=end),
        twins=dataclasses.replace(
            images.twins,
            left=photos[:6],
            right=photos[6:12],
            names=[("a", "b")] * 6,
            vectors=np.ones(6),
            differ=np.ones(6),
        ),
        map=Map(points=chance.random((400, 2)), things=photos[np.arange(400) % 72], how="chance"),
    )
    assert 0.2e6 < len(page(big)) < 3e6


def test_a_diverged_run_has_a_page(images):
    assert images.curves is not None
    assert images.neighbours is not None
    lost = np.full(100, np.nan)
    broken = dataclasses.replace(
        images,
        curves=dataclasses.replace(
            images.curves, loss=lost, nothing=np.nan, rank={"encoder": lost[:3]}
        ),
        neighbours=dataclasses.replace(images.neighbours, cosine=np.full((2, 3), np.nan)),
        map=Map(points=np.zeros((24, 2)), things=np.full((24, 1, 9, 9), np.nan), how="nowhere"),
        views=[("view", np.full((4, 3, 9, 9), np.inf))],
    )
    seen = " ".join(Structure(page(broken)).texts)
    assert "Nothing finite to draw." in seen
    assert "nan" not in seen.lower().split()


@pytest.mark.parametrize(
    ("level", "words", "headline", "evidence"),
    [
        ("good", "Healthy: it works.", "It works.", ""),
        ("good", "It works (98 %). Well done; truly.", "It works (98 %). Well done; truly.", ""),
        (
            "bad",
            f"Collapsed: {'x' * 90} (rank 1; loss 2).",
            f"Collapsed: {'x' * 90}.",
            "Rank 1; loss 2.",
        ),
        ("good", f"Healthy: {'x' * 90}; rank 3 (5 before).", f"X{'x' * 89}.", "Rank 3 (5 before)."),
        ("odd", "y" * 200, "Y" + "y" * 199, ""),
    ],
)
def test_a_long_verdict_is_a_headline_and_its_evidence(level, words, headline, evidence):
    assert spoken(Verdict(level, words)) == (headline, evidence)


# ---- in a browser ----------------------------------------------------------------------------

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing leaves the machine
    "--enable-logging=stderr",
    "--dump-dom",
]
OWN = re.compile(r"https?://[\w.-]*\.(google|googleapis|gvt1)\.com/")  # the browser's own calls


def browse(path, tmp_path):
    """The page's HTML after it loaded, what the console said, and the addresses asked for."""
    log = tmp_path / f"{path.stem}.net.json"
    result = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={log}.d", f"--log-net-log={log}", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
    )
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    asked = re.findall(r'"url":"((?:https?|wss?|ftp)://[^"]*)', log.read_text())
    return result.stdout, console, {url for url in asked if not OWN.match(url)}


@pytest.fixture
def browser():
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome on this machine")
    return browse


def test_browser_loads_and_runs_nothing(browser, images, spread, tmp_path):
    path = write(tmp_path / "report.html", spread(images, lambda s: s + HOSTILE))
    dom, console, asked = browser(path, tmp_path)
    title = re.search(r"<title>(.*?)</title>", dom, re.S)
    assert title is not None
    assert html.unescape(title[1]).startswith('SimCLR "')
    assert "<footer>" in dom
    assert console == []
    assert asked == set()


def test_browser_check_can_fail(browser, tmp_path):
    """The same text with nothing escaped: the check sees the script, the error, the request."""
    path = tmp_path / "open.html"
    text = HOSTILE.encode("utf-8", "replace").decode()
    path.write_text(
        f"<title>x</title><body>{text}<script>throw 1</script></body>", encoding="utf-8"
    )
    dom, console, asked = browser(path, tmp_path)
    assert "<title>pwned</title>" in dom
    assert console
    assert URL in asked


def test_escaping_alone_suffices(browser, images, spread, tmp_path):
    """Mail programs drop the policy; the page is as harmless without it."""
    source = page(spread(images, lambda s: s + HOSTILE))
    bare = re.sub(r"<meta http-equiv=[^>]*>", "", source)
    assert bare != source
    path = tmp_path / "bare.html"
    path.write_text(bare, encoding="utf-8")
    dom, console, asked = browser(path, tmp_path)
    assert "<title>pwned" not in dom
    assert console == []
    assert asked == set()
