from __future__ import annotations

import pytest
from trees import problems

BEGIN = "services:\n  api:\n    image: b\n"


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        (BEGIN + "   command: x\n", "4:4", "2 or 4 spaces"),
        (BEGIN + "      command: x\n", "4:7", "4 spaces, as the entry above"),
        (BEGIN + " db:\n    image: c\n", "4:2", "0 or 2 spaces"),
        ("services:\n  api:\n    ports:\n    - 80\n   - 81\n", "5:4", "2 or 4 spaces"),
        ("services:\n  api:\n    ports:\n      - target: 80\n       name: a\n", "5:8", "6 or 8 spaces"),
        (" services:\n  api: {image: b}\nvolumes: {}\n", "3:1", "1 space"),
        (BEGIN + "    # a comment\n\n       command: x\n", "6:8", "4 spaces"),
    ],
)
def test_a_line_that_is_indented_wrongly_is_told_how_to_be(text: str, place: str, expected: str) -> None:
    (found,) = problems(text)
    assert found.code == "EV100"
    assert found.message == "this line is not indented as the lines above it"
    assert str(found.span).partition(":")[2] == place
    assert found.expected == expected


@pytest.mark.parametrize(
    "text",
    [
        BEGIN.replace("image: b", "image: a: b"),
        BEGIN.replace("image: b", 'image: "a" b'),
        "services:\n  api:\n    - image: b\n    command: x\n",
        "a: [1, 2\nb: 3\n",
        "a: 'b\n",
    ],
)
def test_another_mistake_is_not_called_one_of_indentation(text: str) -> None:
    assert [one.message for one in problems(text)] != ["this line is not indented as the lines above it"]
