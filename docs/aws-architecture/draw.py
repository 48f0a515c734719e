"""Makes picture.svg of picture.txt: boxes on a grid, and lines between their sides. Light and dark follow the reader's setting."""
import os
import re
from html import escape

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 252, 92, 172, 58, 24
STYLE = """
  svg { --paper: #fbf8f2; --ink: #26221c; --quiet: #6d665b; --line: #8f8779; --area: #f1ece1; --edge: #d9d1c2;
        --caller: #fff; --gateway: #e6edf5; --function: #fbe9c8; --store: #e3efe2; --model: #f1e3ee; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #16150f; --ink: #ece6d9; --quiet: #a79f8f; --line: #80796b; --area: #1f1d17; --edge: #3a362d;
          --caller: #2a2822; --gateway: #1f2b38; --function: #43340f; --store: #1f3322; --model: #38253a; } }
  text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); text-anchor: middle }
  .title { font-weight: 600 } .what, .words, .area-name { font-size: 12px; fill: var(--quiet) }
  .words { paint-order: stroke; stroke: var(--halo, var(--paper)); stroke-width: 5px; stroke-linejoin: round }
  .area-name { text-anchor: start } .paper { fill: var(--paper) }
  .area { fill: var(--area); stroke: var(--edge) } .box { stroke: var(--edge); stroke-width: 1.5 }
  .line { fill: none; stroke: var(--line); stroke-width: 1.6 } .later { stroke-dasharray: 5 4 } .head { fill: var(--line) }
"""
OUT = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


def place(column, row):
    """The middle of a cell, and the size of what stands there."""
    return MARGIN + WIDTH / 2 + column * COLUMN, MARGIN + HEIGHT / 2 + row * ROW, WIDTH, HEIGHT


def side(middle, name):
    x, y, width, height = middle
    return x + OUT[name][0] * width / 2, y + OUT[name][1] * height / 2


def curve(start, from_side, end, to_side):
    """The four points of a line that leaves and enters at right angles."""
    reach = max(36, (abs(end[0] - start[0]) + abs(end[1] - start[1])) * 0.38)
    bend = [(at[0] + OUT[name][0] * reach, at[1] + OUT[name][1] * reach) for at, name in ((start, from_side), (end, to_side))]
    return start, bend[0], bend[1], end


def along(points, part):
    weights = ((1 - part) ** 3, 3 * part * (1 - part) ** 2, 3 * part**2 * (1 - part), part**3)
    return tuple(sum(weight * point[axis] for weight, point in zip(weights, points)) for axis in (0, 1))


def line(boxes, text):
    match = re.fullmatch(r"(\w+)\.(\w+) (->|\.\.>) (\w+)\.(\w+)(?:: (.*?)(?: @ ([\d.]+))?)?", text)
    source, from_side, arrow, target, to_side, words, part = match.groups()
    points = curve(side(boxes[source], from_side), from_side, side(boxes[target], to_side), to_side)
    (a, b), (c, d), (e, f), (g, h) = points
    kind = "line later" if arrow == "..>" else "line"
    path = f'<path class="{kind}" marker-end="url(#head)" d="M{a:.0f} {b:.0f}C{c:.0f} {d:.0f} {e:.0f} {f:.0f} {g:.0f} {h:.0f}"/>'
    if not words:
        return path, ""
    x, y = along(points, float(part or 0.5))
    return path, f'<text class="words" x="{x:.0f}" y="{y + 4:.0f}">{escape(words)}</text>'


def box(middle, kind, title, what):
    x, y, _, _ = middle
    return (f'<rect class="box" fill="var(--{kind})" x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
            f'<text class="title" x="{x:.0f}" y="{y - 4:.0f}">{escape(title)}</text>'
            f'<text class="what" x="{x:.0f}" y="{y + 15:.0f}">{escape(what)}</text>')


def area(name, edges):
    left, top, right, bottom = edges
    x, y = MARGIN + left * COLUMN, MARGIN + top * ROW
    width, height = (right - left) * COLUMN, (bottom - top) * ROW
    return (f'<rect class="area" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="14"/>'
            f'<text class="area-name" x="{x + 14:.0f}" y="{y + 20:.0f}">{escape(name)}</text>')


def draw(source):
    boxes, shapes, areas, lines, size = {}, [], [], [], (1, 1)
    for text in filter(None, (text.split("#")[0].strip() for text in source.splitlines())):
        if text.startswith("size = "):
            size = [float(number) for number in text.split("=")[1].split()]
        elif text.startswith("area "):
            name, edges = text[5:].split(" = ")
            areas.append(area(name, [float(edge) for edge in edges.split()]))
        elif text.startswith("box "):
            name, about = text[4:].split(" = ")
            where, title, what = (part.strip() for part in about.split("|"))
            column, row, kind = where.split()
            boxes[name] = place(float(column), float(row))
            shapes.append(box(boxes[name], kind, title, what))
        elif text.startswith("point "):
            name, where = text[6:].split(" = ")
            boxes[name] = (*place(*(float(number) for number in where.split()))[:2], 0, 0)
        else:
            lines.append(line(boxes, text))
    width, height = 2 * MARGIN + (size[0] - 1) * COLUMN + WIDTH, 2 * MARGIN + (size[1] - 1) * ROW + 2 * HEIGHT
    paths, words = zip(*lines)
    head = '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>Tintype on AWS</title>", f"<style>{STYLE}</style>", head,
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="16"/>',
        *areas, *paths, *shapes, *filter(None, words), "</svg>", ""])


if __name__ == "__main__":
    with open(os.path.join(HERE, "picture.txt"), encoding="utf-8") as source:
        svg = draw(source.read())
    with open(os.path.join(HERE, "picture.svg"), "w", encoding="utf-8") as target:
        target.write(svg)
