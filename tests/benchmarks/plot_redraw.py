"""How long one redraw of a run's plots takes: `python tests/benchmarks/plot_redraw.py`.

In processor time of this thread, so that other work on the machine is left out as far as it can be.
"""

import asyncio
import math
import os
import random
import statistics
import time

from textual.app import App

from tui_tuner.screens.plot_board import PlotBoard
from tui_tuner.training.history import RunHistory
from tui_tuner.widgets.braille import stretches
from tui_tuner.widgets.chart import Chart, Series
from tui_tuner.widgets.line_plot import Line, LinePlot

WIDTH, HEIGHT, ROUNDS = 100, 30, 40


def noisy(count):
    random.seed(count)
    return [(x, 0.6 + 1.5 * math.exp(-10 * x / count) + random.random() * 0.2) for x in range(count)]


def milliseconds(work):
    times = []
    for _round in range(ROUNDS):
        start = time.thread_time()
        work()
        times.append((time.thread_time() - start) * 1000)
    return f"{min(times):6.2f} ms best {statistics.median(times):6.2f} ms median"


class Screenful(App):
    """One widget, as large as the screen."""

    def __init__(self, widget):
        super().__init__()
        self.widget = widget

    def compose(self):
        yield self.widget


async def one_plot(points):
    """Raw and smoothed line, one new point each time: from `show_lines` to strips."""
    plot = LinePlot("loss")
    growing = list(points)
    async with Screenful(plot).run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()

        def redraw():
            growing.append((growing[-1][0] + 1, 0.7))
            plot.show_lines([Line("raw", growing), Line("smoothed", growing)])
            plot.render_lines(plot.size.region)

        redraw()
        return milliseconds(redraw)


async def whole_board(points, size):
    """Everything a dashboard draws of a run, one new report each time."""
    board = PlotBoard()
    history = RunHistory(iters=len(points) + ROUNDS)
    for curve in (history.train, history.speed, history.gradient_norm, history.learning_rate, history.memory):
        curve.extend(points)
    history.valid.extend(points[::100])
    async with Screenful(board).run_test(size=size) as pilot:
        await pilot.pause()
        board.show(history)

        def redraw():
            for curve in (history.train, history.speed, history.gradient_norm, history.learning_rate, history.memory):
                curve.append((curve[-1][0] + 1, 0.7))
            board.show(history)
            for plot in board.query(LinePlot).results(LinePlot):
                plot.render_lines(plot.size.region)

        redraw()
        return milliseconds(redraw)


def main():
    print(f"load {os.getloadavg()[0]:.1f}; a plot of two lines at {WIDTH}x{HEIGHT} cells, and the board")
    for count in (400, 10_000):
        points = noisy(count)
        parts = stretches(points)
        chart = Chart([Series("raw", parts), Series("smoothed", parts)], title="loss")
        print(f"{count:6} points  chart          {milliseconds(lambda chart=chart: chart.rows(WIDTH, HEIGHT))}")
        print(f"{'':6}         plot           {asyncio.run(one_plot(points))}")
        for size in ((50, 14), (90, 30)):
            shown = "one plot" if size[1] < 24 else "all five"
            print(f"{'':6}         board {size[0]}x{size[1]:<3}  {asyncio.run(whole_board(points, size))}  ({shown})")


if __name__ == "__main__":
    main()
