import math

import pytest
import torch
from ignite.engine import Engine

from custom.metrics import TaskDice

TASKS = {"ct": {"labels": {"1": "liver", "6": "spleen"}}, "mr": {"labels": {"1": "ventricle"}}}


def test_organs_then_volumes_then_tasks():
    metric = TaskDice(TASKS)
    # liver 2 * 2 / (3 + 2) = 0.8, spleen 2 * 1 / (1 + 2) = 2/3
    metric.add("ct", torch.tensor([1, 1, 1, 2, 0]), torch.tensor([1, 1, 0, 2, 2]))
    metric.add("mr", torch.tensor([1, 1]), torch.tensor([1, 1]))
    metric.add("mr", torch.tensor([0, 0]), torch.tensor([1, 1]))
    assert metric.compute() == pytest.approx(((0.8 + 2 / 3) / 2 + (1 + 0) / 2) / 2)


def test_an_absent_organ_is_left_out_and_a_false_one_counts_nothing():
    metric = TaskDice(TASKS)
    metric.add("ct", torch.tensor([1, 1, 0]), torch.tensor([1, 1, 0]))
    assert metric.compute() == 1
    metric.add("ct", torch.tensor([1, 1, 2]), torch.tensor([1, 1, 0]))
    assert metric.compute() == pytest.approx((1 + (1 + 0) / 2) / 2)


def test_nothing_to_find_is_no_score_and_reset_forgets():
    metric = TaskDice(TASKS)
    metric.add("mr", torch.tensor([1]), torch.tensor([1]))
    metric.reset()
    metric.add("mr", torch.tensor([0]), torch.tensor([0]))
    assert math.isnan(metric.compute())


def test_an_evaluator_hands_over_task_prediction_and_label():
    def process(engine, batch):
        engine.state.batch = [{"task": "mr", "label": torch.tensor([[1, 1, 0]])}]
        return [{"pred": torch.tensor([[1.0, 0.0, 0.0]])}]

    engine = Engine(process)
    TaskDice(TASKS).attach(engine, "dice")
    assert engine.run([0]).metrics["dice"] == pytest.approx(2 / 3)
