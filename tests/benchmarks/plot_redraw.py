"""How long one redraw of the line plot takes: `python tests/benchmarks/plot_redraw.py`."""

import asyncio
import math
import random
import statistics
import time

from textual.app import App

from tui_tuner.widgets.braille import stretches
from tui_tuner.widgets.chart import Chart, Series
from tui_tuner.widgets.line_plot import LinePlot

WIDTH, HEIGHT, ROUNDS = 100, 30, 40


def noisy(count):
    random.seed(count)
    return [(x, 0.6 + 1.5 * math.exp(-10 * x / count) + random.random() * 0.2) for x in range(count)]


def milliseconds(work):
    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return f"{min(times):6.2f} ms best {statistics.median(times):6.2f} ms median"


async def whole_widget(points):
    """From `set_series` to strips, inside an app."""
    app = App()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        plot = LinePlot("loss")
        await app.mount(plot)
        await pilot.pause()

        def redraw():
            plot.set_series("raw", points)
            plot.set_series("smoothed", points)
            plot.render_lines(plot.size.region)

        return milliseconds(redraw)


def main():
    print(f"two series at {WIDTH}x{HEIGHT} cells")
    for count in (400, 10_000):
        points = noisy(count)
        parts = stretches(points)
        chart = Chart([Series("raw", parts), Series("smoothed", parts)], title="loss")
        print(f"{count:6} points  prepare {milliseconds(lambda points=points: (stretches(points), stretches(points)))}")
        print(f"{'':6}         draw    {milliseconds(lambda chart=chart: chart.rows(WIDTH, HEIGHT))}")
        print(f"{'':6}         widget  {asyncio.run(whole_widget(points))}")


if __name__ == "__main__":
    main()
