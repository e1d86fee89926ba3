// Greedy non-maximum suppression on a GPU. Equal to nms_numpy.suppress, ties included.
//
// Boxes come best first. The device answers for every pair whether the two overlap too much, as one bit; the host
// then walks down the ranks, because whether a box stays depends on every better one. Rows are worked on in blocks,
// so that memory stays bounded for any number of boxes. Build without fused multiply-add (--fmad=false): it rounds
// differently, and a tie would then not be decided as in numpy.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

constexpr int kBits = 64;
constexpr int64_t kBlock = 4096;  // rows of one block: 4096 x 100 000 boxes are 51 MB of bits
constexpr int kThreads = 128;

__host__ __device__ inline float above_zero(float a) { return a > 0.0f ? a : 0.0f; }

__host__ __device__ inline float area(const float* box) {
    return above_zero(box[2] - box[0]) * above_zero(box[3] - box[1]);
}

// Whether two boxes have an IoU above the threshold, in the arithmetic of the numpy version.
__host__ __device__ inline bool overlap(const float* a, const float* b, float threshold) {
    const float right = a[2] < b[2] ? a[2] : b[2], left = a[0] > b[0] ? a[0] : b[0];
    const float bottom = a[3] < b[3] ? a[3] : b[3], top = a[1] > b[1] ? a[1] : b[1];
    const float shared = above_zero(right - left) * above_zero(bottom - top);
    const float both = area(a) + area(b);
    return shared > threshold * (both - shared);
}

// Bit j says whether box `row` drops box 64 * word + j, which ranks behind it.
__host__ __device__ inline unsigned long long overlap_word(
    const float* boxes, int64_t count, int64_t row, int64_t word, float threshold) {
    unsigned long long bits = 0;
    const int64_t first = word * kBits;
    for (int64_t j = row < first ? 0 : row - first + 1; j < kBits && first + j < count; ++j) {
        if (overlap(boxes + 4 * row, boxes + 4 * (first + j), threshold)) bits |= 1ULL << j;
    }
    return bits;
}

__global__ void overlaps(const float* boxes, int64_t count, int64_t first, int64_t rows,
                         float threshold, unsigned long long* mask) {
    const int64_t words = (count + kBits - 1) / kBits;
    const int64_t place = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (place >= rows * words) return;
    mask[place] = overlap_word(boxes, count, first + place / words, place % words, threshold);
}

// The same on the host, which lets machines without a GPU test everything but the launch.
void overlaps_on_host(const float* boxes, int64_t count, int64_t first, int64_t rows,
                      float threshold, unsigned long long* mask) {
    const int64_t words = (count + kBits - 1) / kBits;
    for (int64_t place = 0; place < rows * words; ++place) {
        mask[place] = overlap_word(boxes, count, first + place / words, place % words, threshold);
    }
}

// Walk down the ranks [first, first + rows) and write the ranks that stay.
int64_t scan(const std::vector<unsigned long long>& mask, int64_t words, int64_t first,
             int64_t rows, std::vector<unsigned long long>& dropped, int64_t* kept, int64_t found) {
    for (int64_t row = first; row < first + rows; ++row) {
        if (dropped[row / kBits] >> (row % kBits) & 1) continue;
        kept[found++] = row;
        const unsigned long long* bits = mask.data() + (row - first) * words;
        for (int64_t word = row / kBits; word < words; ++word) dropped[word] |= bits[word];
    }
    return found;
}

// Memory of the device that is given back however the function ends.
struct OnDevice {
    void* data = nullptr;
    ~OnDevice() { cudaFree(data); }
};

}  // namespace

extern "C" {

// How many GPUs can be used; 0 where there is none or no driver.
int nms_devices() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

const char* nms_error(int code) { return cudaGetErrorString(static_cast<cudaError_t>(code)); }

// Fill `kept` with the ranks of surviving boxes, best first.
// boxes: (count, 4), best first; on_host: compute there instead. Returns how many are kept, or -1 - CUDA's error.
int64_t nms_suppress(const float* boxes, int64_t count, float threshold, int64_t* kept, int on_host) {
    if (count <= 0) return 0;
    const int64_t words = (count + kBits - 1) / kBits, block = std::min(count, kBlock);
    std::vector<unsigned long long> mask(block * words), dropped(words, 0);
    const size_t box_bytes = sizeof(float) * 4 * count, mask_bytes = sizeof(mask[0]) * mask.size();
    OnDevice device_boxes, device_mask;
    cudaError_t error = cudaSuccess;
    if (!on_host) {
        error = cudaMalloc(&device_boxes.data, box_bytes);
        if (error == cudaSuccess) error = cudaMalloc(&device_mask.data, mask_bytes);
        if (error == cudaSuccess)
            error = cudaMemcpy(device_boxes.data, boxes, box_bytes, cudaMemcpyHostToDevice);
        if (error != cudaSuccess) return -1 - static_cast<int64_t>(error);
    }
    int64_t found = 0;
    for (int64_t first = 0; first < count; first += block) {
        const int64_t rows = std::min(block, count - first);
        if (on_host) {
            overlaps_on_host(boxes, count, first, rows, threshold, mask.data());
        } else {
            const unsigned launches = static_cast<unsigned>((rows * words + kThreads - 1) / kThreads);
            auto* bits = static_cast<unsigned long long*>(device_mask.data);
            overlaps<<<launches, kThreads>>>(static_cast<const float*>(device_boxes.data), count,
                                             first, rows, threshold, bits);
            error = cudaGetLastError();
            if (error == cudaSuccess)
                error = cudaMemcpy(mask.data(), bits, sizeof(mask[0]) * rows * words,
                                   cudaMemcpyDeviceToHost);
            if (error != cudaSuccess) return -1 - static_cast<int64_t>(error);
        }
        found = scan(mask, words, first, rows, dropped, kept, found);
    }
    return found;
}

}  // extern "C"
