"""Questions and exercises of notebook 05."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

prediction = Prediction(
    Question(
        "A detector starts from random weights. After its first hundred steps, what does it "
        "answer when it sees a face that it was not trained on?",
        (
            Choice(
                "Points anywhere, others for each face",
                "So it answers before the first step. Where landmarks lie on average is learned "
                "first, as it is the same for all faces.",
            ),
            Choice(
                "Much the same points for every face",
                "The mean face is the best answer without looking, and learning it takes a large part "
                "of the loss away. Only then is there something to be won by looking.",
                right=True,
            ),
            Choice(
                "The eyes right, everything else at random",
                "All landmarks share the trunk and learn at once. Eyes are not found earlier than "
                "the mean of all the rest.",
            ),
            Choice(
                "The right points, only blurred: wide vectors at the right places",
                "The vectors are wide, yes. But their middle is the mean over all faces, not the "
                "place in this one.",
            ),
        ),
    )
)

prediction_of_recipe = Prediction(
    Question(
        "Many short runs, each with one change of the recipe. Which of these takes most of the "
        "error away?",
        (
            Choice(
                "Twice the passes",
                "It helps more than all other changes but one: the runs are short.",
            ),
            Choice(
                "A larger network: two stacks, or one that is wider",
                "In a run this short even the small network is far from what it can learn. Size "
                "pays once that is used up.",
            ),
            Choice(
                "A start from weights that have seen drawn faces, and no photograph",
                "Most of what a short run must learn first, where landmarks lie and what an eye "
                "looks like, these weights know. They bring a whole training with them, on faces "
                "that nobody had to label.",
                right=True,
            ),
            Choice(
                "No light, colour, blur or noise: faces as they are",
                "It does help in so short a run, and by a small part of what the best change "
                "does. In a long one the network would begin to know its faces by heart; that is "
                "what augmentation is for.",
            ),
            Choice(
                "No co-attention: one part less to be learned",
                "That makes no difference that could be told from chance.",
            ),
        ),
    )
)


def learning_rate(step, steps, top, warmup):
    """Warm-up over `warmup` steps to `top`, then half a cosine that reaches 0 at step `steps`."""
    if step < warmup:
        return top * (step + 1) / warmup
    share = (step - warmup) / (steps - warmup)
    return top * 0.5 * (1 + np.cos(np.pi * share))


def averaged(weights, kept):
    """The running average of one weight after all its steps, with the warm-up of the decay."""
    average = weights[0]
    for step in range(1, len(weights)):
        decay = min(kept, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights[step]
    return average


def faces_of_step(step, faces, batch_size, seed):
    """The faces that a step sees; it follows from seed and step alone."""
    per_pass = faces // batch_size
    passed, place = divmod(step, per_pass)
    order = np.random.default_rng([seed, passed]).permutation(faces)
    return order[place * batch_size : (place + 1) * batch_size]


def _cosine(step: int, steps: int) -> float:
    return 0.5 * (1 + np.cos(np.pi * step / steps))


def _average_with(weights, decay_of, first: int = 1, start: float | None = None):
    """A running average with some decay for each step; the planted mistakes differ in it."""
    average = weights[0] if start is None else start
    for step in range(first, len(weights)):
        decay = decay_of(step)
        average = decay * average + (1 - decay) * weights[step]
    return average


def _batch(order, place: int, batch_size: int):
    return order[place * batch_size : (place + 1) * batch_size]


def _order(faces: int, *seeds: int):
    return np.random.default_rng(list(seeds)).permutation(faces)


check = Checks(
    Exercise(
        "learning_rate",
        learning_rate,
        cases=(
            (0, 400, 3e-3, 40),
            (17, 400, 3e-3, 40),
            (40, 400, 3e-3, 40),
            (250, 400, 3e-3, 40),
            (399, 400, 3e-3, 40),
            (3, 50, 1e-3, 1),
        ),
        mistakes=(
            Mistake(
                lambda step, steps, top, warmup: (
                    top * min(1.0, (step + 1) / warmup) * _cosine(step, steps)
                ),
                "That is the package's: its cosine falls from step 0 on, under the warm-up too. Here "
                "it begins when the warm-up ends.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * step / warmup
                    if step < warmup
                    else top * _cosine(step - warmup, steps - warmup)
                ),
                "Step 0 gets a learning rate of 0 and learns nothing. Its share of the warm-up is "
                "1/warmup: count `step + 1`.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * (step + 1) / warmup
                    if step < warmup
                    else 2 * top * _cosine(step - warmup, steps - warmup)
                ),
                "Your cosine begins at twice `top`. 1 + cos goes from 2 to 0: take half of it.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * (step + 1) / warmup
                    if step <= warmup
                    else top * _cosine(step - warmup, steps - warmup)
                ),
                "The warm-up is one step too long: it has the steps 0 to `warmup` − 1, so `step < warmup`.",
            ),
            Mistake(
                lambda step, steps, top, warmup: top * min(1.0, (step + 1) / warmup),
                "It rises and stays. The cosine is missing.",
            ),
            Mistake(
                lambda step, steps, top, warmup: top * _cosine(step, steps),
                "It begins at the top. The warm-up is missing: a rate that rises to `top` over "
                "`warmup` steps.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * (step + 1) / warmup
                    if step < warmup
                    else top * _cosine(step - warmup, steps)
                ),
                "At the end it is still above 0. What is left after the warm-up are "
                "`steps - warmup` steps, and in them the cosine goes its whole way.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * (step + 1) / warmup if step < warmup else top * _cosine(step, steps)
                ),
                "At the end of the warm-up your rate jumps: the cosine has begun without it. Count its "
                "steps from `warmup` on.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * (step + 1) / warmup
                    if step < warmup
                    else top * np.cos(np.pi * (step - warmup) / (steps - warmup))
                ),
                "In the second half it is below 0, so the optimiser climbs. Move the cosine to 0 "
                "… 1: half of 1 + cos.",
            ),
            Mistake(
                lambda step, steps, top, warmup: (
                    top * (step + 1) / warmup
                    if step < warmup
                    else top * _cosine(step - warmup, steps - warmup - 1)
                ),
                "Your last step has a rate of 0 and learns nothing. The cosine would reach 0 at "
                "step `steps`, one after the last.",
            ),
        ),
        hints=(
            "Two parts, one after the other: `if step < warmup`, and all later steps.",
            "The first is `top * (step + 1) / warmup`.",
            "The second is half a cosine, `0.5 * (1 + np.cos(np.pi * share))`, where `share` goes "
            "from 0 to 1 in the steps that are left.",
        ),
        tolerance=1e-9,
    ),
    Exercise(
        "averaged",
        averaged,
        cases=(
            (np.array([5.0, 1.0, 2.0, 3.0, 2.5]), 0.99),
            (np.linspace(2.0, -1.0, 40) ** 2, 0.7),
            (np.array([0.3]), 0.9),
        ),
        mistakes=(
            Mistake(
                lambda weights, kept: _average_with(weights, lambda _: kept),
                "`kept` is used from the first step on, so the random weights of the beginning "
                "stay for long. Early on keep only (1 + n)/(10 + n).",
            ),
            Mistake(
                lambda weights, kept: _average_with(
                    weights, lambda n: 1 - min(kept, (1 + n) / (10 + n))
                ),
                "The shares are exchanged: the decay is what is kept of the average, the rest "
                "comes from the new weight.",
            ),
            Mistake(
                lambda weights, kept: _average_with(
                    weights, lambda n: min(kept, (1 + n) / (10 + n)), first=0, start=0.0
                ),
                "Your average begins at 0, which no weight ever was. The first weight is the "
                "first average.",
            ),
            Mistake(
                lambda weights, kept: _average_with(weights, lambda n: min(kept, n / (9 + n))),
                "The count is one too low: n is the index of the weight, and the second one has n = 1.",
            ),
            Mistake(
                lambda weights, kept: _average_with(
                    weights, lambda n: max(kept, (1 + n) / (10 + n))
                ),
                "You take the larger of the two decays. `kept` is the most that may be kept: the "
                "smaller one.",
            ),
            Mistake(
                lambda weights, kept: float(np.mean(weights)),
                "That is the mean of all steps alike. In a running average a step counts less the "
                "older it is.",
            ),
        ),
        hints=(
            "Begin with `average = weights[0]` and go through the others in order.",
            "At step n the decay is `min(kept, (1 + n) / (10 + n))`.",
            "`average = decay * average + (1 - decay) * weights[n]`.",
        ),
    ),
    Exercise(
        "faces_of_step",
        faces_of_step,
        cases=((0, 20, 6, 0), (2, 20, 6, 0), (3, 20, 6, 0), (7, 20, 6, 5), (11, 33, 8, 1)),
        mistakes=(
            Mistake(
                lambda step, faces, batch_size, seed: _batch(
                    _order(faces, seed, 0), step % (faces // batch_size), batch_size
                ),
                "Every pass has the same order, so the same faces always meet in a batch. Give "
                "the generator both: `[seed, passed]`.",
            ),
            Mistake(
                lambda step, faces, batch_size, seed: _batch(
                    _order(faces, seed, step), step % (faces // batch_size), batch_size
                ),
                "You shuffle anew at every step: some faces come twice in a pass and others not "
                "at all. Shuffle once a pass.",
            ),
            Mistake(
                lambda step, faces, batch_size, seed: _batch(
                    _order(faces, seed, step // (faces // batch_size)), step, batch_size
                ),
                "You count the steps of the whole run. After the first pass that leads beyond the end of "
                "the order: count from the beginning of the pass.",
            ),
            Mistake(
                lambda step, faces, batch_size, seed: _order(
                    faces, seed, step // (faces // batch_size)
                )[step % (faces // batch_size) : step % (faces // batch_size) + batch_size],
                "Neighbouring batches overlap. Place p begins at p · batch_size.",
            ),
            Mistake(
                lambda step, faces, batch_size, seed: _batch(
                    _order(faces, seed, step // -(-faces // batch_size)),
                    step % -(-faces // batch_size),
                    batch_size,
                ),
                "The last batch of a pass is not full. Faces that do not fill one wait for the "
                "next pass: round down, `faces // batch_size`.",
            ),
        ),
        hints=(
            "A pass has `faces // batch_size` steps. `divmod(step, per_pass)` gives the pass and "
            "the place in it.",
            "`np.random.default_rng([seed, passed]).permutation(faces)` is the order of a pass.",
            "The batch is the slice from `place * batch_size` to `(place + 1) * batch_size`.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "Twenty minutes into a run the training loss still falls a little at every pass. The "
            "validation NRMSE has stood at that of the mean face since the second pass. What do "
            "you do?",
            (
                Choice(
                    "Stop it: it overfits",
                    "A network that overfits looks at training faces. This one does not look at any yet.",
                ),
                Choice(
                    "Look at how much its answers differ from face to face",
                    "If they do not, it has learned no more than where landmarks lie on average: "
                    "a learning rate that is or was too high, or labels that do not belong to "
                    "the pictures.",
                    right=True,
                ),
                Choice(
                    "Nothing: the loss falls, so it learns",
                    "The loss can fall for long by sharpening a mean. What counts is the error on "
                    "other people.",
                ),
            ),
        ),
        Question(
            "One run has a training loss of 7.4 with L2, another 7.2 with cross-entropy. Which is "
            "better?",
            (
                Choice(
                    "The second, its loss is lower",
                    "The two losses are different numbers of different things. Cross-entropy "
                    "cannot even reach 0: its floor is the entropy of the targets.",
                ),
                Choice(
                    "They are the same within noise",
                    "Whatever the numbers are, they have no common scale.",
                ),
                Choice(
                    "That cannot be told; compare the validation NRMSE",
                    "An error in per cent of the inter-ocular distance means the same for both.",
                    right=True,
                ),
            ),
        ),
        Question(
            "You move a run from one GPU to four with `accelerate launch`, and leave every "
            "setting as it is. What changes in the recipe?",
            (
                Choice(
                    "Nothing: each works on a quarter of every batch",
                    "Here `batch_size` is that of all processes together, and seed and step "
                    "decide which faces it has. So rate, warm-up and passes stay right.",
                    right=True,
                ),
                Choice(
                    "The batch is four times as large, so the learning rate must grow",
                    "In many programs it is so: there `batch_size` is that of one process. Look "
                    "it up before you launch.",
                ),
                Choice(
                    "Each trains a network of its own, and the best one is kept",
                    "They train one network: gradients are averaged at every step.",
                ),
            ),
        ),
    ]
)
