"""What the paper leaves open about its detector and its tracker: our choice and a reason for each.

The preset `paper` of `onedheat.presets` holds the choices about the detector, and `TrackerConfig` has
those about the tracker as its defaults; a test holds the lists against them.
"""

from typing import Any, NamedTuple


class Choice(NamedTuple):
    """What the paper leaves open, our choice, and why.

    Attributes:
        what: is open.
        choice: ours, as `paper` has it.
        reason: for it.
        settings: the fields that hold it, with their values in `paper` or `TrackerConfig`.
    """

    what: str
    choice: str
    reason: str
    settings: dict[str, Any]


LEFT_OPEN = (
    Choice(
        "stacks of the trunk",
        "4",
        "it cites FAN [2], which has four",
        {"stacks": 4, "depth": 4, "width": 256, "widen": 0},
    ),
    Choice(
        "what one stack hands to the next",
        "its features, no maps",
        "FAN hands on its 2D maps as well, and the paper's point is to have none",
        {},
    ),
    Choice(
        "intermediate supervision",
        "every stack, the earlier ones read linearly",
        "FAN and hourglasses before it [18] supervise every stack; their readout is one linear layer too, "
        "and costs nothing in use",
        {"supervise_all": True},
    ),
    Choice(
        "layers of CNN₁",
        "3×3 convolutions that halve the other axis until h = 8 of 64 are left, with batch norm and ReLU",
        "the paper compresses by striding; 3×3 is what its trunk is made of",
        {"compressed": 8},
    ),
    Choice(
        "layers of CNN₂",
        "one more halving, then one convolution over what is left, then the deconvolution",
        "h must come down to 1, and a position should see its neighbours on its own axis",
        {},
    ),
    Choice(
        "K, channels of CNN₁, CNN₂ and the co-attention",
        "128",
        "half the trunk's: everything after the trunk is then a small share of memory and time",
        {"channels": 128},
    ),
    Choice(
        "P and Q at the start",
        "the identity",
        "positions whose features are alike attend to each other from the first step on",
        {},
    ),
    Choice(
        "width of the target Gaussians (its σ)",
        "4 px of 256, at every L",
        "FAN's one bin of 64; the same in pixels at every L, so that resolution alone is compared",
        {"target_sigma": 4.0},
    ),
    Choice(
        "scale of the targets",
        "a peak of 1, not a sum of 1",
        "Eq. 12 is read up to scale: with L2 and a sum of 1 the targets of 768 bins would be next to nothing",
        {"loss": "l2"},
    ),
    Choice(
        "where a bin lies",
        "centred at (j + ½)·F/L − ½, with targets at the unrounded place",
        "rounding down to left edges (Eq. 3, 4) costs twice the mean error; it is taught, not used",
        {"frame": "centre"},
    ),
    Choice(
        "scale of the loss",
        "Eq. 11 averaged over the annotated landmarks of a batch",
        "Adam does not mind the scale, and faces with hidden points count alike",
        {},
    ),
    Choice(
        "epochs",
        "120 passes over 300W, 36,000 steps; 20 over AFLW, 38,000",
        "`tiny` had not flattened after 67 passes; AFLW is six times as large",
        {"passes": 120},
    ),
    Choice(
        "learning rate over time",
        "1e-4 throughout",
        "the paper names one rate and no schedule",
        {"learning_rate": 1e-4, "schedule": "constant", "warmup_steps": 0},
    ),
    Choice(
        "weights that are used",
        "their running average (0.999 is kept at a step, less of what is young)",
        "it does for a constant rate what a falling one does, and changes nothing in training",
        {"ema": 0.999, "ema_warmup": True},
    ),
    Choice(
        "augmentation",
        "turned, mirrored, shifted, scaled, light, colour, blur, noise, JPEG, patches",
        "what the field does; its strengths are fields of `AugmentConfig`",
        {"rotation": 34.0, "mirror_share": 0.5, "occluder_share": 0.4},
    ),
    Choice(
        "face box of training and test",
        "the square around the landmarks, scaled by 1.25 (1.0 to 1.7 in training)",
        "the paper says “the bounding box”; one that follows from the labels can be had by everyone",
        {"box_scale": 1.25},
    ),
    Choice(
        "faces to choose γ and the epochs on",
        "5 % of the training photos",
        "the ten folds of the paper choose γ; what we take from it needs no folds",
        {"validation": 0.05},
    ),
)

TRACKER_LEFT_OPEN = (
    Choice(
        "layers of CNN₃",
        "one convolution over three positions, with a ReLU and no batch norm",
        "the landmarks are its channels, as stacked in Fig. 2b; heights have a scale already, and so a "
        "frame is the same alone as in its clip",
        {},
    ),
    Choice(
        "what CNN₃ reads of the heatmaps",
        "how high they are against a target, averaged over the bins of a position, on a logarithmic scale",
        "with cross-entropy heatmaps are logits, on which its ReLUs died at λ = 0.9; heights mean the same "
        "by either loss, and their logarithm keeps what is faint apart from nothing",
        {},
    ),
    Choice(
        "positions of U and V",
        "three for each of the trunk's F/4, or L where that is fewer",
        "a target is 1.5 positions wide then, which its channels tell finer places in; at all L positions it "
        "would cost four times as much and say no more than its detector saw",
        {"density": 3},
    ),
    Choice(
        "channels of U and V",
        "as many as there are landmarks, and 32 at least",
        "each landmark can begin with one of its own; `onedheat bench` says what a step takes of a frame's "
        "time, some 7 % of it here",
        {"features": 0},
    ),
    Choice(
        "layers of CNN₄",
        "a convolution over positions, a ReLU, and a deconvolution back to L",
        "without what is not linear after the sum, the refinement could not depend on whether the present "
        "frame says enough by itself",
        {},
    ),
    Choice(
        "how far a landmark is followed between two frames",
        "4 % of the face's side, which sets the kernel of CNN₄ at every L",
        "in crops by the last frame's landmarks, 999 of 1000 move by less than that in drawn clips, which "
        "`tests/models/test_tracker.py` measures",
        {"reach": 0.04},
    ),
    Choice(
        "weights at the start",
        "CNN₃ gives each landmark's own heatmap, the first layer of CNN₄ hands it on, the last one is 0",
        "a tracker begins as good as its detector, with V a fading memory of where each landmark was",
        {},
    ),
    Choice(
        "where the refinement is added",
        "to what the detector's network puts out, before anything is made of it",
        "the paper adds heatmaps, and with cross-entropy these are logits",
        {},
    ),
    Choice(
        "side of the box drawn anew in two passes",
        "from frame to frame it takes a quarter of the way to 2.5 times the distance of the eyes, all of it "
        "where it is off by more than a tenth",
        "the paper's side hangs on two corners of the eyes in each frame by itself; a box that breathes with "
        "them moves all landmarks to and fro",
        {},
    ),
    Choice(
        "scale of the loss",
        "Eq. 14 averaged over the annotated landmarks of a batch, summed over frames",
        "as Eq. 11 here",
        {},
    ),
    Choice(
        "what is taught beside Eq. 14",
        "nothing; the preset `tiny-tracker` adds three times the distance in pixels of what is found",
        "by Eq. 14 a sharp heatmap that is a little off costs more than a broad one that is farther off, and "
        "trackers remember less than serves hidden landmarks",
        {"distance": 0.0},
    ),
)
