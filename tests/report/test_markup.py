import pytest

from unlabeled.report.markup import Markup, join, name, prose, tag, visible


def test_text_is_escaped_and_markup_is_not():
    assert tag("p", "<b> & \"'", tag("b", 1)) == "<p>&lt;b&gt; &amp; &quot;&#x27;<b>1</b></p>"
    assert join("a<", None, Markup("<br>")) == "a&lt;<br>"
    assert isinstance(join("a"), Markup)


def test_attributes_are_escaped_even_where_they_are_markup():
    assert tag("i", class_='a"b', aria_label=Markup('">'), id=None) == (
        '<i class="a&quot;b" aria-label="&quot;&gt;"></i>'
    )


def test_void_elements_have_no_end():
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x00\x7f\x85", r"\x00\x7f\x85"),
        ("gpj.\u202egnp", r"gpj.\u202egnp"),  # would read as a .png
        ("\udcff", r"\udcff"),
        ("\u2028\ufeff\u200b", r"\u2028\ufeff\u200b"),
        ("naïve 猫 👩\u200d🔬 שלום", "naïve 猫 👩\u200d🔬 שלום"),
    ],
)
def test_what_would_hide_is_shown(hidden, shown):
    assert visible(hidden) == shown


def test_names_keep_their_direction_to_themselves():
    assert name("<שלום>") == "<bdi>&lt;שלום&gt;</bdi>"


def test_backticks_set_code():
    assert prose("try `a <b>` & `c`") == "try <code>a &lt;b&gt;</code> &amp; <code>c</code>"
    assert prose("it`s") == "it`s"
