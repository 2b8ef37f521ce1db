"""Settings that no machine could train are refused in words, and at once."""

import pytest

from onedheat.presets import PRESETS, with_settings

HUGE = 10**22


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        (f"depth={HUGE}", "depth must be from 1 to 10"),
        ("depth=0", "depth must be from 1 to 10"),
        (f"size={2**40}", r"size must be a multiple of 64 \(4·2\^depth\), 4096 at most"),
        (f"width={16 * HUGE}", "width must be a multiple of 16, 4096 at most"),
        (f"stacks={HUGE}", "stacks must be from 1 to 64"),
        (f"widen={4 * HUGE}", "widen must be a multiple of 4, 4096 at most"),
        (f"channels={10**12}", "channels must be from 1 to 4096"),
        (f"upsample={HUGE}", "upsample must be from 1 to 4096"),
    ],
)
def test_a_setting_has_an_upper_bound(setting, says):
    with pytest.raises(ValueError, match=f"{says}, got"):
        with_settings(PRESETS["tiny"], [setting])


@pytest.mark.parametrize("name", ["features", "density"])
def test_so_has_one_of_trackers(name):
    with pytest.raises(ValueError, match=f"{name} must be from . to 4096, got"):
        with_settings(PRESETS["tiny-tracker"], [f"{name}={HUGE}"])
