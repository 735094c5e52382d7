"""The page on the keys is what the code says."""

from safemap.config.model import SECTIONS
from safemap.config.reference import reference


def test_the_page_in_the_documentation_is_up_to_date(root):
    """To renew it, write what ``safemap.config.reference.reference()`` gives to docs/assessment.md."""
    assert (root / "docs" / "assessment.md").read_text(encoding="utf-8") == reference()


def test_every_key_is_on_the_page():
    text = reference()
    for name, section in SECTIONS.items():
        assert f"## [{name}]" in text
        for key, field in section.__dataclass_fields__.items():
            assert f"`{key}`" in text or field.metadata.get("many") or key == "PAIRS"
