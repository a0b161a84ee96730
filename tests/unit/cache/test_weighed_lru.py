from event_seating.cache.weighed_lru import WeighedLru


def test_what_was_not_used_for_longest_makes_room() -> None:
    lru = WeighedLru[str](10)
    lru.put("a", "A", 4)
    lru.put("b", "B", 4)
    assert lru.get("a") == "A"
    lru.put("c", "C", 4)
    assert [lru.get(key) for key in "abc"] == ["A", None, "C"]
    assert lru._weight == 8


def test_a_heavy_value_drives_out_as_many_as_it_takes() -> None:
    lru = WeighedLru[int](10)
    for key in "abcde":
        lru.put(key, 1, 2)
    lru.put("f", 1, 7)
    assert [key for key in "abcdef" if lru.get(key)] == ["e", "f"]
    assert lru._weight == 9


def test_a_value_that_is_too_heavy_drives_nothing_out() -> None:
    lru = WeighedLru[int](10)
    lru.put("a", 1, 10)
    lru.put("b", 2, 11)
    assert (lru.get("a"), lru.get("b"), lru._weight) == (1, None, 10)


def test_a_value_in_place_of_another_is_weighed_once() -> None:
    lru = WeighedLru[int](10)
    lru.put("a", 1, 6)
    lru.put("a", 2, 5)
    assert (lru.get("a"), lru._weight) == (2, 5)
