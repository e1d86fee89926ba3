# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Greedy non-maximum suppression, compiled. Equal to nms_numpy.suppress, ties included.

Boxes come sorted by x0, so that each is compared only with those whose x range can meet its own: on a
page of text strips that is one column.
"""

from libc.stdlib cimport calloc, free


cdef inline float larger(float a, float b) noexcept nogil:
    return a if a > b else b


cdef inline float smaller(float a, float b) noexcept nogil:
    return a if a < b else b


cdef inline float area(const float[:, ::1] boxes, Py_ssize_t i) noexcept nogil:
    return larger(boxes[i, 2] - boxes[i, 0], 0) * larger(boxes[i, 3] - boxes[i, 1], 0)


cdef inline bint meet(const float[:, ::1] boxes, Py_ssize_t a, Py_ssize_t b,
                      float threshold) noexcept nogil:
    """Whether two boxes have an IoU above the threshold, in the arithmetic of the numpy version."""
    cdef float width = smaller(boxes[a, 2], boxes[b, 2]) - larger(boxes[a, 0], boxes[b, 0])
    cdef float height = smaller(boxes[a, 3], boxes[b, 3]) - larger(boxes[a, 1], boxes[b, 1])
    if width <= 0 or height <= 0:
        return False
    cdef float shared = width * height
    return shared > threshold * (area(boxes, a) + area(boxes, b) - shared)


cdef int scan(const float[:, ::1] boxes, const long long[::1] order, const long long[::1] ranks,
              float threshold, long long[::1] kept) noexcept nogil:
    """Write the kept places, best first; return how many, or -1 without memory."""
    cdef Py_ssize_t count = boxes.shape[0], rank, here, other
    cdef float widest = 0
    cdef int found = 0
    cdef char* dropped = <char*> calloc(count, 1)
    if dropped == NULL:
        return -1
    for here in range(count):
        widest = larger(widest, boxes[here, 2] - boxes[here, 0])
    for rank in range(count):
        here = order[rank]
        if dropped[here]:
            continue
        kept[found] = here
        found += 1
        other = here - 1
        while other >= 0 and boxes[other, 0] >= boxes[here, 0] - widest:
            if ranks[other] > rank and not dropped[other] and meet(boxes, here, other, threshold):
                dropped[other] = 1
            other -= 1
        other = here + 1
        while other < count and boxes[other, 0] < boxes[here, 2]:
            if ranks[other] > rank and not dropped[other] and meet(boxes, here, other, threshold):
                dropped[other] = 1
            other += 1
    free(dropped)
    return found


def suppress_sorted(const float[:, ::1] boxes, const long long[::1] order,
                    const long long[::1] ranks, float threshold, long long[::1] kept):
    """Fill `kept` (M,) with the places of surviving boxes, best first, and return their number.

    `boxes` (M, 4) are sorted by x0; `order` (M,) lists their places from best to worst, and `ranks` is its
    inverse.
    """
    cdef Py_ssize_t count = boxes.shape[0]
    if count == 0:
        return 0
    if boxes.shape[1] != 4 or not count == order.shape[0] == ranks.shape[0] == kept.shape[0]:
        raise ValueError("boxes must be (M, 4), order, ranks and kept (M,)")
    cdef int found
    with nogil:
        found = scan(boxes, order, ranks, threshold, kept)
    if found < 0:
        raise MemoryError("no memory for non-maximum suppression")
    return found
