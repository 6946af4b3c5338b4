from aggregator.configuration.pointers import at, join, name_of, steps


def test_steps_with_special_characters_round_trip():
    pointer = join("/a", "b/c", "~d", 3)
    assert pointer == "/a/b~1c/~0d/3"
    assert steps(pointer) == ("a", "b/c", "~d", "3")
    assert at({"a": {"b/c": {"~d": [0, 1, 2, "x"]}}}, pointer) == "x"


def test_what_is_not_there_is_none():
    document = {"a": [1], "b": "text"}
    for pointer in ("/c", "/a/1", "/a/x", "/b/0", "/a/0/0"):
        assert at(document, pointer) is None
    assert at(document, "") is document


def test_places_are_named_as_people_do():
    assert name_of("/listen/port") == "port"
    assert name_of("/sites/3/rses/1") == "rses[1]"
    assert name_of("/a/0/1") == "a[0][1]"
    assert name_of("/0") == "item [0]"
    assert name_of("") == "the document"
