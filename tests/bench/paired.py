"""Ratios that a noisy machine cannot spoil: interleaved pairs, the median of their ratios, its bootstrap interval."""

import random
import statistics


def interleaved(pairs, ours, theirs):
    """Calls ours() and theirs() in turn, the order swapped each time; gives the two lists of what they return."""
    a, b = [], []
    for i in range(pairs):
        for call, out in ((ours, a), (theirs, b)) if i % 2 == 0 else ((theirs, b), (ours, a)):
            out.append(call())
        print(f"  pair {i + 1} of {pairs}: {a[-1]:.4f} {b[-1]:.4f} ratio {a[-1] / b[-1]:.3f}", flush=True)
    return a, b


def median_ratio(a, b, draws=10000, seed=0):
    """(median, low, high) of a/b with a 95% bootstrap interval."""
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    generator = random.Random(seed)
    medians = sorted(statistics.median(generator.choices(ratios, k=len(ratios))) for _ in range(draws))
    return statistics.median(ratios), medians[int(draws * 0.025)], medians[int(draws * 0.975)]
