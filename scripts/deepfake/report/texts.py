"""Sentences that pages compute from a run's data. Fixed sentences are in templates/."""

from __future__ import annotations

# Warnings before the first number of a run's page.
NO_INTERVAL = "The test of the {protocol} split has {groups}: too few for intervals."
FEW_GROUPS = (
    "The test of the {protocol} split has {groups}: intervals over so few groups are wide, and a "
    "difference between two good models is seldom detected."
)
FEW_GROUPS_OF_CLASS = (
    "The {label} videos of the test of the {protocol} split are of {groups}: a difference between "
    "two good models is seldom detected."
)
LARGE_GROUP = (
    "One group holds {share:.0%} of the videos of the test of the {protocol} split: the interval "
    "of a very good model may be slightly too narrow."
)
ONE_CLASS = "The test of the {protocol} split has one class only."
NO_CANDIDATE = (
    "No candidate of {model} on {features} finished under the {protocol} split: {reason}."
)
LEAKY_TEST = (
    "Under the {protocol} split, people, clips or frames of the test are also in training. Its "
    "scores say nothing about new videos."
)
LEAKY_FOLDS = (
    "The folds of the {protocol} split share people, clips or frames: its search scores and "
    "probabilities are too good. Its test scores are not affected."
)
UNKNOWN_PEOPLE = (
    "The people of {videos:,} fake videos are unknown: a leak through them cannot be detected."
)

# The leak audit of a split.
NOTHING_SHARED = (
    "No ID of the sheet is shared between {sides}, and no two of their frames are nearly equal."
)
SHARED = "Shared between {sides}: {things}{siblings}."
SIBLINGS = "; {percent:.1f} % of the held-out rows have a frame of the same video on the other side"
UNUSED = "Not used: {rows:,} rows of {videos:,} videos: {reason}."
SIDES = {"test": "training and test", "folds": "one fold and the others"}
SHARED_THINGS = {
    "donors": "source clips of a fake on another side",
    "twins": "pairs of videos with equal faces",
    "copies": "pairs of unlinked videos with near-equal frames",
}

# Lists that are cut.
FIRST_ROWS = "The first {limit:,} of {count:,}."
BEST_LINES = "The best {limit} of {count} lines."

# Figures and labels.
BRIER = "{model}: Brier {brier} (base rate {baseline:.3f})"
CHOSEN_TREES = "{trees:.0f} trees chosen in this run"
NOT_POSSIBLE = "not possible: {reason}"
EMPTY_COLUMN = "the sheet's column {column} is empty"
MEAN_FACE = "Mean of the {faces} faces that the model scored"
FOREST_PIXELS = "Pixels that the forest's trees use"
LINEAR_PIXELS = (
    "The model's weights: brighter pixels in a red area raise the score towards fake, in a blue "
    "area towards real"
)
PROBABILITY = "P(fake) is {probability:.2f}"
PERSON_WINDOWS = "Scores of the windows of {videos} videos, a line a video; 0 is the boundary"
PERSON_TIMELINE = (
    "Scores of {windows} windows by a person's model over the video; 0 is the boundary"
)
TIMELINE = "P(fake) of {points} frames over the video; the dotted line is the verdict's"


def groups(number: int) -> str:
    """A number of groups in words."""
    return f"{number} group{'s' if number != 1 else ''}"
