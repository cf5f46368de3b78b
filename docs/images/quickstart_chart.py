"""Draws docs/images/quickstart.svg from the runs of launch/quickstart.sh. Standard library only.

usage: python3 docs/images/quickstart_chart.py [runs/quickstart] > docs/images/quickstart.svg
"""

import json
import pathlib
import sys

RUNS = {"fine-tuned": "#1b6ca8", "frozen": "#5aa469", "scratch": "#b0413e"}
LABELS = {"fine-tuned": "fine-tuned", "frozen": "lower layers frozen", "scratch": "from scratch"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 660, 320, 56, 190, 40, 44
LOW, HIGH = 0.5, 0.9


def epochs(folder):
    lines = (json.loads(text) for text in (folder / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["type"] == "epoch"]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "runs/quickstart")
    runs = {name: epochs(folder / f"fashion-{name}") for name in RUNS}
    last = max(len(lines) for lines in runs.values())

    def x(epoch):
        return LEFT + (epoch - 1) * (WIDTH - LEFT - RIGHT) / max(last - 1, 1)

    def y(accuracy):
        return HEIGHT - BOTTOM - (accuracy - LOW) / (HIGH - LOW) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="22" font-weight="bold">Pullover or coat, 100 pictures of each: test accuracy by epoch</text>']
    for tick in (0.5, 0.6, 0.7, 0.8, 0.9):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
    for epoch in range(1, last + 1):
        out.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - 18}" text-anchor="middle">{epoch}</text>')
    for name, color in RUNS.items():
        lines = runs[name]
        points = [(x(i), line) for i, line in enumerate(lines, 1)]
        path = " ".join(f"{at:.1f},{y(line['test_acc']):.1f}" for at, line in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for at, line in points:
            low, high = line["test_acc_ci"]
            out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="{color}" stroke-opacity="0.5"/>')
            out.append(f'<circle cx="{at:.1f}" cy="{y(line["test_acc"]):.1f}" r="3" fill="{color}"/>')
        end = lines[-1]["test_acc"]
        out.append(f'<text x="{points[-1][0] + 10:.1f}" y="{y(end) + 4:.1f}" fill="{color}">{LABELS[name]} {end:.3f}</text>')
    out.append("</svg>")
    print("\n".join(out))


main()
