"""Define attention beside CTC in Keras; the same arithmetic and names as `recognition.attention_torch`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from common.arrays import Floats
from recognition.attention import BACK, SPAN, prior


class AttentionCell(layers.Layer):
    """One step of the decoder, as Keras' recurrent layer wants its cells.

    The features do not change from step to step, but a cell sees nothing else than its input and
    its state: they and their keys travel as two more states.

    Args:
        classes: with class 0, the end.
        features: width of the features.
        hidden: units of the recurrent unit, and width of everything between.
    """

    def __init__(self, classes: int, features: int, hidden: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes, self.features, self.hidden = classes, features, hidden
        self.state_size = [hidden, hidden, features, 1]
        self.output_size = hidden + features
        self.key = layers.Dense(hidden, name="key")
        self.query = layers.Dense(hidden, use_bias=False, name="query")
        self.energy = layers.Dense(1, use_bias=False, name="energy")
        self.near = layers.Embedding(SPAN, 1, name="near")
        self.enter = layers.Dense(3 * hidden, name="enter")
        self.keep = layers.Dense(3 * hidden, name="keep")

    def build(self, input_shape: Any) -> None:
        """Make the weights; the input is the embedding (N, hidden) of the character before."""
        self.key.build((None, None, self.features))
        self.query.build((None, self.hidden))
        self.energy.build((None, None, self.hidden))
        self.near.build((None, None))
        self.near.embeddings.assign(prior()[:, None])
        self.enter.build((None, self.hidden + self.features))
        self.keep.build((None, self.hidden))
        super().build(input_shape)

    def look(self, states: Any) -> tuple[Any, Any]:
        """Return the middle (N, 1) of where to look, and what stands there, (N, D)."""
        state, keys, features, last = states
        energies = self.energy(ops.tanh(keys + self.query(state)[:, None]))[:, :, 0]
        middles = ops.arange(ops.shape(features)[1], dtype="float32")[None] + 0.5
        ahead = ops.floor(middles - last) + BACK
        energies = energies + self.near(ops.cast(ops.clip(ahead, 0, SPAN - 1), "int32"))[:, :, 0]
        weights = ops.softmax(energies, axis=1)
        # Where it looked is a fact to the next step, nothing to learn by way of.
        seen = ops.cast(ops.stop_gradient(weights), "float32")
        place = ops.sum(seen * middles, axis=1, keepdims=True)
        return place, ops.sum(weights[:, :, None] * features, axis=1)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """Return the input (N, hidden + D) of the classifier and the new states."""
        state, keys, features, _ = states
        place, context = self.look(states)
        entering = self.enter(ops.concatenate([inputs, context], axis=1))
        reset_in, update_in, new_in = ops.split(entering, 3, axis=1)
        reset, update, new = ops.split(self.keep(state), 3, axis=1)
        candidate = ops.tanh(new_in + ops.sigmoid(reset_in + reset) * new)
        share = ops.sigmoid(update_in + update)
        state = share * state + (1 - share) * candidate
        return ops.concatenate([state, context], axis=1), [state, keys, features, place]


class AttentionDecoder(layers.Layer):
    """A recurrent unit that looks at the features where the next character stands.

    Args:
        classes: with class 0, the end.
        features: width of the features.
        hidden: units, and width of everything between.
    """

    def __init__(self, classes: int, features: int, hidden: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes, self.features, self.hidden = classes, features, hidden
        self.embed = layers.Embedding(classes, hidden, name="embed")
        self.cell = AttentionCell(classes, features, hidden, name="cell")
        self.rnn = layers.RNN(self.cell, return_sequences=True, name="rnn")
        self.out = layers.Dense(classes, name="out")

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.embed.build((None, None))
        self.cell.build((None, self.hidden))
        self.rnn.build((None, None, self.hidden))
        self.out.build((None, None, self.hidden + self.features))
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Say every character knowing those before it.

        Args:
            inputs: features (N, T, D) and labels (N, L), zero padded.

        Returns:
            Logits (N, L + 1, C): the characters, then the end.
        """
        features, labels = inputs
        before = self.embed(ops.pad(labels, ((0, 0), (1, 0))))
        return self.out(self.rnn(before, initial_state=self.start(features)))

    def start(self, features: Any) -> list[Any]:
        """Return the states before the first character."""
        state = ops.zeros_like(features[:, 0, :1]) * ops.ones((1, self.hidden), features.dtype)
        return [
            state,
            self.cell.key(features),
            features,
            ops.zeros((ops.shape(features)[0], 1), "float32"),
        ]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """One step more than labels."""
        features, labels = input_shape
        length = None if labels[1] is None else labels[1] + 1
        return (features[0], length, self.classes)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"classes": self.classes, "features": self.features, "hidden": self.hidden}
        return {**super().get_config(), **own}

    def read(self, features: Any) -> tuple[Floats, Floats, Floats]:
        """Take the best character each time, until every line has ended.

        Returns:
            As `recognition.attention_torch.AttentionDecoder.forward`, as numpy arrays.
        """
        states, steps = self.start(features), features.shape[1]
        previous, ended = np.zeros(features.shape[0], np.int64), np.zeros(features.shape[0], bool)
        found: list[tuple[Any, Any, Any]] = []
        while len(found) < steps and not ended.all():
            output, states = self.cell(self.embed(previous), states)
            log_probs = np.asarray(ops.log_softmax(self.out(output), axis=1))
            chosen = log_probs.argmax(1)
            ended = ended | (chosen == 0)
            previous = np.where(ended, 0, chosen)
            found.append((previous, log_probs.max(1), np.asarray(states[-1])[:, 0]))
        columns = zip(*found, strict=True) if found else ([], [], [])
        labels, scores, places = (np.array(c).reshape(len(found), -1).T for c in columns)
        return labels, scores, places


def attention_loss(logits: Any, labels: Any, lengths: Any) -> Any:
    """Mean cross-entropy of the labels' first `lengths` characters and their ends."""
    target = ops.pad(labels, ((0, 0), (0, 1)))
    known = ops.arange(ops.shape(target)[1])[None] <= ops.cast(lengths, "int32")[:, None]
    known = ops.cast(known, "float32")
    losses = keras.losses.sparse_categorical_crossentropy(
        target, ops.cast(logits, "float32"), from_logits=True
    )
    return ops.sum(losses * known) / ops.sum(known)
