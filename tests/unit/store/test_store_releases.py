from dataclasses import replace

from tests.support.stored_records import NOW, SECOND, THIRD, later, release


async def test_a_release_comes_back_as_it_was_queued(store):
    queued = [
        release(SECOND, until_expiry=True),
        release(THIRD, expires=None, attempts=3),
    ]
    await store.releases.queue(queued, NOW)
    leased = await store.releases.lease("a", NOW, later(30), 9)
    assert sorted(leased, key=lambda each: each.session) == queued


async def test_the_same_uuid_at_two_sites_is_two_releases(store):
    await store.releases.queue([release(), release(site="madrid")], NOW)
    leased = await store.releases.lease("a", NOW, later(30), 9)
    assert {each.site for each in leased} == {"lisboa", "madrid"}


async def test_what_is_queued_already_stays_as_it_is(store):
    await store.releases.queue([release(reason="first")], later(60))
    await store.releases.queue([release(reason="second")], NOW)
    assert await store.releases.lease("a", NOW, later(30), 9) == []
    leased = await store.releases.lease("a", later(60), later(90), 9)
    assert [each.reason for each in leased] == ["first"]


async def test_the_one_due_longest_comes_first_and_no_more_than_asked_for(store):
    await store.releases.queue([release("c")], later(2))
    await store.releases.queue([release("a")], later(3))
    await store.releases.queue([release("b")], later(1))
    await store.releases.queue([release("d")], later(9))
    leased = await store.releases.lease("a", later(5), later(30), 2)
    assert [each.session for each in leased] == ["b", "c"]


async def test_a_lease_ends(store):
    await store.releases.queue([release()], NOW)
    assert len(await store.releases.lease("a", NOW, later(30), 9)) == 1
    assert await store.releases.lease("b", later(29), later(60), 9) == []
    assert len(await store.releases.lease("b", later(30), later(60), 9)) == 1


async def test_a_finished_release_leaves_the_queue_for_good(store):
    await store.releases.queue([release(SECOND), release(THIRD)], NOW)
    await store.releases.lease("a", NOW, later(30), 9)
    await store.releases.finish(release(SECOND), "released", later(1))
    assert await store.releases.waiting() == 1
    await store.releases.queue([release(SECOND)], NOW)
    assert await store.releases.waiting() == 1
    await store.releases.put_off(release(SECOND), NOW)
    left = await store.releases.lease("a", later(99), later(120), 9)
    assert left == [release(THIRD)]


async def test_a_release_that_is_put_off_is_tried_again_when_due(store):
    await store.releases.queue([release()], NOW)
    for attempts in range(1, 4):
        await store.releases.lease("a", later(attempts * 10), later(999), 9)
        await store.releases.put_off(release(), later(attempts * 10 + 10))
        assert await store.releases.lease("a", later(attempts * 10 + 9), NOW, 9) == []
    again = await store.releases.lease("b", later(40), later(50), 9)
    assert again == [replace(release(), attempts=3)]


async def test_an_empty_queue_is_empty(store):
    await store.releases.queue([], NOW)
    assert await store.releases.waiting() == 0
    assert await store.releases.lease("a", NOW, later(30), 9) == []
