# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Prefix search of CTC, compiled. Equal to `prefix_search.PrefixSearch` to the last bit, ties included.

A prefix is a place in arrays, its text the chain of its parents. Beams lie in the order in which they came up.
"""

from libc.math cimport INFINITY, log
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

cdef enum:
    NOWHERE = -1
    MOST_ORDER = 16
    BUCKET = 4

cdef uint64_t MULTIPLY = 0x9E3779B97F4A7C15
cdef uint64_t SECOND = 0xC2B2AE3D27D4EB4F
cdef uint64_t START = 0x243F6A8885A308D3

cdef struct Prefix:
    int64_t label, length
    Py_ssize_t parent, child, sibling  # the newest child, and the next older one of the same parent
    Py_ssize_t slot  # among the beams being made
    bint scored, queued
    double language
    uint64_t hashes[MOST_ORDER]
    float back_offs[MOST_ORDER]

cdef struct Beam:
    Py_ssize_t prefix
    double blank, label

cdef struct Search:
    Prefix* prefixes
    Py_ssize_t used, room
    Beam* beams  # those there are, and those being made
    Beam* made
    double* beam_scores
    Py_ssize_t count, made_count, beam_room
    Py_ssize_t* queue
    Py_ssize_t queued, queue_room
    # The language model; order 1 without one.
    int order
    const uint64_t* codes
    const float* costs
    const uint32_t* entries
    const uint8_t* back_offs
    uint64_t buckets
    double unknown, step
    double language, bonus, rarest


cdef int grow(void** memory, Py_ssize_t* room, Py_ssize_t needed, size_t size) noexcept nogil:
    """Make room for so many of a size; -1 without memory."""
    cdef Py_ssize_t larger = max(2 * room[0], needed, 64)
    cdef void* moved
    if needed <= room[0]:
        return 0
    moved = realloc(memory[0], larger * size)
    if moved == NULL:
        return -1
    memory[0], room[0] = moved, larger
    return 0


cdef Py_ssize_t add_prefix(Search* s, Py_ssize_t parent, int64_t label) noexcept nogil:
    cdef Prefix* made
    if grow(<void**> &s.prefixes, &s.room, s.used + 1, sizeof(Prefix)):
        return NOWHERE
    made = &s.prefixes[s.used]
    memset(made, 0, sizeof(Prefix))
    made.label, made.parent, made.child, made.slot = label, parent, NOWHERE, NOWHERE
    if parent == NOWHERE:
        made.sibling = NOWHERE
    else:
        made.length = s.prefixes[parent].length + 1
        made.sibling = s.prefixes[parent].child
        s.prefixes[parent].child = s.used
    s.used += 1
    return s.used - 1


cdef Py_ssize_t child(Search* s, Py_ssize_t parent, int64_t label) noexcept nogil:
    cdef Py_ssize_t here = s.prefixes[parent].child
    while here != NOWHERE:
        if s.prefixes[here].label == label:
            return here
        here = s.prefixes[here].sibling
    return add_prefix(s, parent, label)


cdef Beam* beam_of(Search* s, Py_ssize_t prefix) noexcept nogil:
    """The beam of a prefix among those being made, a new one at their end where it has none."""
    cdef Py_ssize_t slot = s.prefixes[prefix].slot
    if slot == NOWHERE:
        slot = s.prefixes[prefix].slot = s.made_count
        s.made[slot].prefix, s.made[slot].blank, s.made[slot].label = prefix, 0, 0
        s.made_count += 1
    return &s.made[slot]


cdef int make_room(Search* s, Py_ssize_t needed) noexcept nogil:
    cdef Py_ssize_t beams = s.beam_room, made = s.beam_room
    if grow(<void**> &s.beams, &beams, needed, sizeof(Beam)):
        return -1
    if grow(<void**> &s.made, &made, needed, sizeof(Beam)):
        return -1
    return grow(<void**> &s.beam_scores, &s.beam_room, needed, sizeof(double))


cdef int advance(Search* s, const int64_t* labels, const double* chances, Py_ssize_t tried) noexcept nogil:
    """One step: prefixes stay on a blank or a repeat of their last class, and grow on the others."""
    cdef Py_ssize_t i, k, next_, kept = 0
    cdef double blank, label, p, grows
    cdef Py_ssize_t prefix
    cdef Beam* beam
    if make_room(s, 2 * s.count * tried):
        return -1
    s.made_count = 0
    for i in range(s.count):
        prefix, blank, label = s.beams[i].prefix, s.beams[i].blank, s.beams[i].label
        for k in range(tried):
            p = chances[k]
            if labels[k] == 0:
                beam = beam_of(s, prefix)
                beam.blank += (blank + label) * p
                continue
            grows = blank + label
            if labels[k] == s.prefixes[prefix].label:
                beam = beam_of(s, prefix)
                beam.label += label * p
                grows = blank  # only a blank divides repeated characters
            if grows != 0:
                next_ = child(s, prefix, labels[k])
                if next_ == NOWHERE:
                    return -1
                beam = beam_of(s, next_)
                beam.label += grows * p
    for i in range(s.made_count):
        s.prefixes[s.made[i].prefix].slot = NOWHERE
        if s.made[i].blank != 0 or s.made[i].label != 0:
            s.made[kept] = s.made[i]
            kept += 1
    if kept:
        s.beams, s.made = s.made, s.beams
        s.count = kept
    return 0


cdef void score(Search* s, Prefix* prefix, Prefix* parent) noexcept nogil:
    """Look up the n-grams that end with a prefix; the longest known counts, weighed by the contexts longer than it."""
    cdef uint64_t code = s.codes[prefix.label - 1], before, mixed, hash_
    cdef uint32_t entry, finger
    cdef Py_ssize_t place
    cdef Py_ssize_t[2] bucket
    cdef int n, b, k, longest = NOWHERE
    cdef bint known
    cdef double value = 0, found = s.unknown
    for n in range(s.order):
        before = parent.hashes[n - 1] if n else START
        mixed = (before + code + 1) * MULTIPLY
        hash_ = mixed ^ (mixed >> 32) if before else 0
        finger = <uint32_t> (hash_ >> 40)
        if finger == 0:
            finger = 1
        bucket[0] = <Py_ssize_t> (hash_ % s.buckets)
        bucket[1] = <Py_ssize_t> (((hash_ * SECOND) >> 32) % s.buckets)
        known = False
        place = 0
        for b in range(2):
            for k in range(BUCKET):
                place = bucket[b] * BUCKET + k
                entry = s.entries[place]
                if entry >> 8 == finger:
                    known = True
                    break
            if known:
                break
        if known:
            longest, found = n, s.step * <double> (entry & 255)
        if n < s.order - 1:
            prefix.hashes[n] = hash_
            prefix.back_offs[n] = <float> (s.step * <double> s.back_offs[place]) if known else 0
    # All of these are sixteenths: sums are exact in any order.
    for n in range(max(longest, 0), s.order - 1):
        value += parent.back_offs[n]
    value = <double> (<float> (value + found) + s.costs[prefix.label - 1])
    prefix.language = parent.language + (s.rarest if s.rarest > value else value)
    prefix.scored = True


cdef int weigh(Search* s) noexcept nogil:
    """Have the language model score the prefixes that it has not seen, parents first."""
    cdef int context = s.order - 1
    cdef Py_ssize_t i, here, place, steps, last
    cdef Prefix* prefix
    if context == 0:
        return 0
    s.queued = 0
    for i in range(s.count):
        here, steps = s.beams[i].prefix, 0
        while not s.prefixes[here].scored and s.prefixes[here].parent != NOWHERE and steps <= 2 * context:
            if not s.prefixes[here].queued:
                if grow(<void**> &s.queue, &s.queue_room, s.queued + 1, sizeof(Py_ssize_t)):
                    return -1
                s.prefixes[here].queued = True
                s.queue[s.queued] = here
                s.queued += 1
            steps += 1
            here = s.prefixes[here].parent
        prefix = &s.prefixes[here]
        if not prefix.scored:
            # It was alone for long: only its last characters matter to what comes now.
            prefix.scored = True
            memset(prefix.hashes, 0, sizeof(prefix.hashes))
            memset(prefix.back_offs, 0, sizeof(prefix.back_offs))
    for i in range(1, s.queued):  # nearly in order already
        here, place = s.queue[i], i
        while place and s.prefixes[s.queue[place - 1]].length > s.prefixes[here].length:
            s.queue[place] = s.queue[place - 1]
            place -= 1
        s.queue[place] = here
    for i in range(s.queued):
        here = s.queue[i]
        last = s.prefixes[here].parent
        s.prefixes[here].queued = False
        score(s, &s.prefixes[here], &s.prefixes[last])
    return 0


cdef double beam_score(Search* s, Beam* beam) noexcept nogil:
    cdef double probability = beam.blank + beam.label
    cdef Prefix* prefix = &s.prefixes[beam.prefix]
    if probability == 0:
        return -INFINITY
    if s.order == 1:
        return log(probability) + 0.0 + 0.0
    return log(probability) + s.language * prefix.language + s.bonus * <double> prefix.length


cdef void keep_best(Search* s, Py_ssize_t most) noexcept nogil:
    """Keep the best beams, with probabilities scaled to stay in the range of floats."""
    cdef Py_ssize_t i, place
    cdef Beam beam
    cdef double value, largest = 0
    if s.count > most:
        for i in range(s.count):
            beam = s.beams[i]
            value = beam_score(s, &beam)
            place = i
            while place and s.beam_scores[place - 1] < value:
                s.beam_scores[place], s.beams[place] = s.beam_scores[place - 1], s.beams[place - 1]
                place -= 1
            s.beam_scores[place], s.beams[place] = value, beam
        s.count = most
    for i in range(s.count):
        largest = max(largest, s.beams[i].blank + s.beams[i].label)
    for i in range(s.count):
        s.beams[i].blank *= 1 / largest
        s.beams[i].label *= 1 / largest


cdef bint end_alike(Search* s) noexcept nogil:
    """Whether nothing that follows can tell the prefixes apart."""
    cdef Py_ssize_t i, k, one, other, most = max(s.order - 1, 1)
    for i in range(1, s.count):
        one, other = s.beams[0].prefix, s.beams[i].prefix
        for k in range(most):
            if one == other:
                break
            if s.prefixes[one].label != s.prefixes[other].label:
                return False
            # Equal labels are of characters, and these have parents.
            one, other = s.prefixes[one].parent, s.prefixes[other].parent
    return True


cdef int run(Search* s, const int64_t[:, ::1] labels, const double[:, ::1] chances,
             const int64_t[::1] counts, const uint8_t[::1] sure, Py_ssize_t width) noexcept nogil:
    """Search from an empty prefix; -1 without memory."""
    cdef Py_ssize_t step, quiet = 0
    if add_prefix(s, NOWHERE, 0) == NOWHERE or make_room(s, 1):
        return -1
    s.beams[0].prefix, s.beams[0].blank, s.beams[0].label, s.count = 0, 1, 0, 1
    for step in range(labels.shape[0]):
        if advance(s, &labels[step, 0], &chances[step, 0], counts[step]):
            return -1
        if not sure[step]:
            quiet = 0
            if weigh(s):
                return -1
            keep_best(s, width)
            continue
        quiet += labels[step, 0] != 0
        if s.count > 1 and quiet >= s.order - 1 and end_alike(s):
            if weigh(s):
                return -1
            keep_best(s, 1)
    if weigh(s):
        return -1
    keep_best(s, 1)
    return 0


def search(const int64_t[:, ::1] labels, const double[:, ::1] chances, const int64_t[::1] counts,
           const uint8_t[::1] sure, Py_ssize_t width, double language, double bonus, double rarest,
           model):
    """Return the classes of the best text.

    Args:
        labels, chances: (S, K), the classes tried at each step and their probabilities; K from 1.
        counts: (S,), how many of the K.
        sure: (S,), whether a step is beyond doubt.
        width: prefixes kept at each step.
        language, bonus, rarest: see `prefix_search.Weights`.
        model: None, or order, codes (C,) uint64, costs (C,) float32, entries (4 B,) uint32, back-offs (4 B,) uint8,
            log-probability of an unknown character, logarithm of one step of the bytes.
    """
    cdef Search s
    cdef const uint64_t[::1] codes
    cdef const float[::1] costs
    cdef const uint32_t[::1] entries
    cdef const uint8_t[::1] back_offs
    cdef int failed
    cdef Py_ssize_t place
    memset(&s, 0, sizeof(Search))
    s.order = 1
    if model is not None:
        s.order, codes, costs, entries, back_offs, s.unknown, s.step = model
        if s.order > MOST_ORDER:
            raise ValueError(f"n-grams of order {s.order}, expected at most {MOST_ORDER}")
        s.codes, s.costs, s.entries, s.back_offs = &codes[0], &costs[0], &entries[0], &back_offs[0]
        s.buckets = entries.shape[0] // BUCKET
    s.language, s.bonus, s.rarest = language, bonus, rarest
    with nogil:
        failed = run(&s, labels, chances, counts, sure, width)
    try:
        if failed:
            raise MemoryError("no memory for the prefixes of a search")
        found = []
        place = s.beams[0].prefix
        while s.prefixes[place].parent != NOWHERE:
            found.append(s.prefixes[place].label)
            place = s.prefixes[place].parent
        return tuple(reversed(found))
    finally:
        free(s.prefixes)
        free(s.beams)
        free(s.made)
        free(s.beam_scores)
        free(s.queue)
