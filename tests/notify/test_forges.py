"""GitHub and GitLab: what is asked of their APIs, and that asking twice changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from reconciler.model.identity import Json
from reconciler.notify.comment import MARKER
from reconciler.notify.forge import CommentOnRequest, Forge, StatusOnCommit
from reconciler.notify.github import GitHub
from reconciler.notify.gitlab import GitLab
from reconciler.notify.post import Poster
from tests.notify.far_end import FarEnd
from tests.notify.happenings import APPLIED, CALM, CONVERGED, ON_HOST, PROGRESSING, STALLED
from tests.support.builders import REVISION


@dataclass(frozen=True, kw_only=True)
class Site:
    """How one forge spells what both can do."""

    of: Callable[[str, Callable[[], str], Poster], Forge]
    root: str
    login: tuple[str, str]
    requests: tuple[str, str]
    """Where a commit's requests are, and the name of their number."""
    comments: str
    change: tuple[str, str]


GITHUB = Site(
    of=GitHub.of,
    root="/api/v3/repos/ops/fleet",
    login=("Authorization", "Bearer the-token"),
    requests=(f"/commits/{REVISION}/pulls", "number"),
    comments="/issues/7/comments",
    change=("PATCH", "/issues/comments/31"),
)
GITLAB = Site(
    of=GitLab.of,
    root="/api/v4/projects/ops%2Ffleet",
    login=("PRIVATE-TOKEN", "the-token"),
    requests=(f"/repository/commits/{REVISION}/merge_requests", "iid"),
    comments="/merge_requests/7/notes",
    change=("PUT", "/merge_requests/7/notes/31"),
)


@pytest.fixture(params=[GITHUB, GITLAB], ids=["github", "gitlab"])
def site(request: pytest.FixtureRequest) -> Site:
    found = request.param
    assert isinstance(found, Site)
    return found


@pytest.fixture
def forge(site: Site, end: FarEnd, poster: Poster) -> Forge:
    end.otherwise = type(end.otherwise)(body=[])
    return site.of(f"{end.address}/ops/fleet.git", lambda: "the-token", poster)


def writes(end: FarEnd) -> list[tuple[str, str, Json]]:
    return [(item.method, item.path, item.json) for item in end.requests if item.method != "GET"]


def merged(end: FarEnd, site: Site, *comments: Json) -> None:
    """Let the commit have come from request 7, which has *comments*."""
    path, number = site.requests
    end.routes["GET", site.root + path] = [{number: 7, "title": "Bump"}]
    page = f"{site.root}{site.comments}?per_page=100&page=1"
    end.routes["GET", page] = list(comments)


@pytest.mark.parametrize(
    ("event", "at_github", "at_gitlab"),
    [
        (CONVERGED, "success", "success"),
        (PROGRESSING, "pending", "pending"),
        (STALLED, "failure", "failed"),
    ],
)
async def test_a_commit_gets_the_status_of_a_release(
    end: FarEnd, site: Site, forge: Forge, event: object, at_github: str, at_gitlab: str
) -> None:
    assert isinstance(event, type(CONVERGED))

    await StatusOnCommit(forge).send(event)

    ((method, path, body),) = writes(end)
    assert isinstance(body, dict)
    assert (method, path) == ("POST", f"{site.root}/statuses/{REVISION}")
    assert body["state"] == (at_github if site is GITHUB else at_gitlab)
    assert body["context" if site is GITHUB else "name"] == "kanade-reconciler/tool"
    assert end.requests[-1].headers[site.login[0]] == site.login[1]


async def test_gitlab_is_not_told_what_it_has_been_told(end: FarEnd, poster: Poster) -> None:
    """It answers 400 to a status that does not change."""
    path = f"{GITLAB.root}/repository/commits/{REVISION}/statuses?name=kanade-reconciler/tool"
    end.routes["GET", path] = [{"name": "kanade-reconciler/tool", "status": "success"}]
    forge = GitLab.of(f"{end.address}/ops/fleet", lambda: "the-token", poster)

    await StatusOnCommit(forge).send(CONVERGED)

    assert writes(end) == []


@pytest.mark.parametrize("event", [CALM, ON_HOST, APPLIED], ids=lambda it: it.id)
async def test_what_says_nothing_of_a_commit_sets_no_status(
    end: FarEnd, forge: Forge, event: object
) -> None:
    assert isinstance(event, type(CALM))

    await StatusOnCommit(forge).send(event)

    assert end.requests == []


async def test_the_request_that_was_merged_gets_the_plan(
    end: FarEnd, site: Site, forge: Forge
) -> None:
    merged(end, site, {"id": 30, "body": "looks good"}, {"id": 29, "body": ""})

    await CommentOnRequest(forge).send(APPLIED)

    ((method, path, body),) = writes(end)
    assert (method, path) == ("POST", site.root + site.comments)
    assert isinstance(body, dict)
    assert str(body["body"]).startswith(MARKER)
    assert "publish package tool/2.0.0" in str(body["body"])


async def test_what_follows_is_added_to_our_comment_and_only_once(
    end: FarEnd, site: Site, forge: Forge
) -> None:
    merged(end, site, {"id": 30, "body": "+1"}, {"id": 31, "body": f"{MARKER}\nthe plan"})
    comment = CommentOnRequest(forge)
    await comment.send(CONVERGED)
    ((method, path, body),) = writes(end)
    assert (method, path) == (site.change[0], site.root + site.change[1])
    assert isinstance(body, dict)
    assert str(body["body"]).startswith(f"{MARKER}\nthe plan\n")

    merged(end, site, {"id": 31, "body": body["body"]})
    await comment.send(CONVERGED)

    assert len(writes(end)) == 1


async def test_our_comment_is_found_behind_a_hundred_others(
    end: FarEnd, site: Site, forge: Forge
) -> None:
    others: list[Json] = [{"id": number, "body": "+1"} for number in range(100)]
    merged(end, site, *others)
    second = f"{site.root}{site.comments}?per_page=100&page=2"
    end.routes["GET", second] = [{"id": 31, "body": MARKER}]

    await CommentOnRequest(forge).send(STALLED)

    assert [write[:2] for write in writes(end)] == [(site.change[0], site.root + site.change[1])]


async def test_a_commit_that_came_without_a_request_is_not_commented_on(
    end: FarEnd, forge: Forge
) -> None:
    await CommentOnRequest(forge).send(APPLIED)

    assert [item.method for item in end.requests] == ["GET"]


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("https://github.com/ops/fleet", "https://api.github.com/repos/ops/fleet"),
        (
            "https://ghe.example:8443/ops/fleet.git",
            "https://ghe.example:8443/api/v3/repos/ops/fleet",
        ),
    ],
)
def test_githubs_own_api_is_elsewhere(address: str, root: str, poster: Poster) -> None:
    assert GitHub.of(address, lambda: "t", poster).rest.root == root


def test_a_gitlab_project_may_be_deep_in_groups(poster: Poster) -> None:
    found = GitLab.of("https://gitlab.com/a/b/c", lambda: "t", poster)

    assert found.rest.root == "https://gitlab.com/api/v4/projects/a%2Fb%2Fc"
