"""A moving average of weights while they are trained, and the learning rate's way up and down."""

import math

import torch


class Average:
    def __init__(self, parameters, most=0.999):
        self.parameters, self.most, self.steps = parameters, most, 0
        self.values = [p.detach().clone() for p in parameters]

    @torch.no_grad()
    def update(self):
        self.steps += 1
        keep = min(self.most, (1 + self.steps) / (20 + self.steps))
        torch._foreach_lerp_(self.values, self.parameters, 1 - keep)

    @torch.no_grad()
    def take_over(self):
        """Puts the averages in place of the weights."""
        for parameter, value in zip(self.parameters, self.values):
            parameter.copy_(value)


def learning_rate(step, share, warm_up, hold):
    """From 0 up in `warm_up` steps, level until `hold` of the time, then down as a cosine to a fiftieth."""
    down = 0.5 * (1 + math.cos(math.pi * max(0.0, (share - hold) / (1 - hold))))
    return min(1.0, (step + 1) / warm_up) * (down * 0.98 + 0.02)
