// Loads a GGUF file's metadata with the library's own dry run on pretended devices and prints what it would allocate.
#include "llama.h"
#include "llama-ext.h"
#include "ggml-backend-impl.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <vector>

static const int MOST = 4;
static ggml_backend_device g_dev[MOST];
static ggml_backend_buffer_type g_buft[MOST];
static ggml_backend_reg g_reg;
static std::string g_name[MOST];
static std::string g_error;

static size_t g_free = 0;
static int idx(const void * ctx) { return (int) (intptr_t) ctx; }
static void buf_free(ggml_backend_buffer_t) {}
static void * buf_base(ggml_backend_buffer_t) { return (void *) 0x1000; }
static ggml_status buf_init(ggml_backend_buffer_t, ggml_tensor *) { return GGML_STATUS_SUCCESS; }
static void buf_clear(ggml_backend_buffer_t, uint8_t) {}
static ggml_backend_buffer_t buft_alloc(ggml_backend_buffer_type_t buft, size_t size) {
    ggml_backend_buffer_i iface = {};
    iface.free_buffer = buf_free; iface.get_base = buf_base; iface.init_tensor = buf_init; iface.clear = buf_clear;
    return ggml_backend_buffer_init(buft, iface, nullptr, size);
}
static ggml_guid g_guid = { 1, 2, 3 };
static ggml_backend_t dev_init(ggml_backend_dev_t dev, const char *) {
    ggml_backend_i iface = {};
    iface.get_name = [](ggml_backend_t b) { return g_name[idx(b->device->context)].c_str(); };
    iface.free = [](ggml_backend_t b) { delete b; };
    iface.synchronize = [](ggml_backend_t) {};
    iface.graph_compute = [](ggml_backend_t, ggml_cgraph *) { return GGML_STATUS_SUCCESS; };
    iface.event_record = [](ggml_backend_t, ggml_backend_event_t) {};
    iface.event_wait = [](ggml_backend_t, ggml_backend_event_t) {};
    return new ggml_backend{ &g_guid, iface, dev, nullptr };
}
static int64_t batch_of(const ggml_tensor * op) {
    switch (op->op) {
        case GGML_OP_GET_ROWS: return 0;
        case GGML_OP_MUL_MAT: return op->ne[1];
        case GGML_OP_MUL_MAT_ID: case GGML_OP_ROPE: case GGML_OP_ROPE_BACK: return op->ne[2];
        default: return ggml_nrows(op);
    }
}
static void add_device(int i) {
    g_name[i] = "GPU" + std::to_string(i);
    ggml_backend_buffer_type_i b = {};
    b.get_name = [](ggml_backend_buffer_type_t t) { return g_name[idx(t->context)].c_str(); };
    b.alloc_buffer = buft_alloc;
    b.get_alignment = [](ggml_backend_buffer_type_t) -> size_t { return 128; };
    g_buft[i] = ggml_backend_buffer_type{ b, &g_dev[i], (void *) (intptr_t) i };
    ggml_backend_device_i d = {};
    d.get_name = [](ggml_backend_dev_t x) { return g_name[idx(x->context)].c_str(); };
    d.get_description = d.get_name;
    d.get_memory = [](ggml_backend_dev_t, size_t * f, size_t * t) { *f = *t = g_free; };
    d.get_type = [](ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; };
    d.get_props = [](ggml_backend_dev_t x, ggml_backend_dev_props * p) {
        memset(p, 0, sizeof(*p));
        p->name = p->description = g_name[idx(x->context)].c_str();
        p->memory_free = p->memory_total = g_free; p->type = GGML_BACKEND_DEVICE_TYPE_GPU;
        p->caps.async = true; p->caps.events = true;
    };
    d.init_backend = dev_init;
    d.get_buffer_type = [](ggml_backend_dev_t x) { return &g_buft[idx(x->context)]; };
    d.supports_op = [](ggml_backend_dev_t, const ggml_tensor *) { return true; };
    d.supports_buft = [](ggml_backend_dev_t x, ggml_backend_buffer_type_t t) { return t->device == x; };
    d.offload_op = [](ggml_backend_dev_t, const ggml_tensor * op) { return batch_of(op) >= 32; };
    d.event_new = [](ggml_backend_dev_t x) { return new ggml_backend_event{ x, nullptr }; };
    d.event_free = [](ggml_backend_dev_t, ggml_backend_event_t e) { delete e; };
    d.event_synchronize = [](ggml_backend_dev_t, ggml_backend_event_t) {};
    g_dev[i] = ggml_backend_device{ d, &g_reg, (void *) (intptr_t) i };
    ggml_backend_device_register(&g_dev[i]);
}

int main(int argc, char ** argv) {
    // probe FILE < lines of "key=value ..."; one line of JSON each
    bool verbose = getenv("PROBE_VERBOSE") != nullptr;
    g_free = 4ull << 40;
    g_reg.api_version = GGML_BACKEND_API_VERSION;
    g_reg.iface.get_name = [](ggml_backend_reg_t) { return "PRETENDED"; };
    g_reg.iface.get_device_count = [](ggml_backend_reg_t) -> size_t { return 0; };
    g_reg.iface.get_proc_address = [](ggml_backend_reg_t, const char *) -> void * { return nullptr; };
    const char * dir = getenv("GGML_DIR");
    ggml_backend_load_all_from_path(dir);
    for (int i = 0; i < MOST; i++) add_device(i);
    llama_log_set([](ggml_log_level level, const char * text, void * v) {
        if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN) g_error += text;
        if (*(bool *) v) fputs(text, stderr);
    }, &verbose);
    char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        std::map<std::string, std::string> o;
        std::istringstream in(line);
        for (std::string w; in >> w;) { auto e = w.find('='); o[w.substr(0, e)] = w.substr(e + 1); }
        auto num = [&](const char * k, long d) { return o.count(k) ? atol(o[k].c_str()) : d; };
        g_error.clear();
        auto mp = llama_model_default_params();
        mp.no_alloc = true; mp.load_mode = LLAMA_LOAD_MODE_NONE; mp.n_gpu_layers = num("ngl", -1); mp.load_mtp = num("mtp", 0);
        int nd = num("devices", 1);
        std::vector<ggml_backend_dev_t> devs;
        for (int i = 0; i < nd; i++) devs.push_back(&g_dev[i]);
        devs.push_back(nullptr);
        mp.devices = devs.data();
        std::vector<std::string> patterns;
        std::vector<llama_model_tensor_buft_override> over;
        if (o.count("ot")) {
            std::istringstream ps(o["ot"]);
            for (std::string p; std::getline(ps, p, ',');) patterns.push_back(p);
            for (auto & p : patterns) over.push_back({ p.c_str(), ggml_backend_cpu_buffer_type() });
            over.push_back({ nullptr, nullptr });
            mp.tensor_buft_overrides = over.data();
        }
        float split[16] = {};
        if (o.count("ts")) {
            std::istringstream ps(o["ts"]); int i = 0;
            for (std::string p; std::getline(ps, p, ',');) split[i++] = atof(p.c_str());
            mp.tensor_split = split;
        }
        llama_model * model = llama_model_load_from_file(o["file"].c_str(), mp);
        std::string err;
        if (!model) {
            for (char c : g_error) err += c == '"' ? '\'' : c == '\n' ? ';' : c == '\\' ? '/' : c;
            printf("{\"error\": \"%s\"}\n", err.c_str()); fflush(stdout); continue;
        }
        auto cp = llama_context_default_params();
        cp.n_ctx = num("n_ctx", 4096); cp.n_batch = num("n_batch", 2048); cp.n_ubatch = num("n_ubatch", 512);
        cp.n_seq_max = num("np", 1); cp.n_outputs_max = num("outputs", num("np", 1));
        cp.kv_unified = num("unified", 0); cp.swa_full = num("swa_full", 0); cp.offload_kqv = num("kqv", 1);
        cp.op_offload = num("op_offload", 1);
        cp.flash_attn_type = num("fa", 1) ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
        auto type = [&](const char * k) {
            std::string s = o.count(k) ? o[k] : "f16";
            for (int t = 0; t < GGML_TYPE_COUNT; t++) if (ggml_type_name((ggml_type) t) && s == ggml_type_name((ggml_type) t)) return (ggml_type) t;
            return GGML_TYPE_F16;
        };
        cp.type_k = type("ctk"); cp.type_v = type("ctv");
        llama_context * ctx = llama_init_from_model(model, cp);
        if (!ctx) {
            for (char c : g_error) err += c == '"' ? '\'' : c == '\n' ? ';' : c == '\\' ? '/' : c;
            printf("{\"error\": \"context: %s\"}\n", err.c_str()); llama_model_free(model); fflush(stdout); continue;
        }
        printf("{");
        const char * sep = "";
        for (auto & [buft, mb] : llama_get_memory_breakdown(ctx)) {
            printf("%s\"%s\": [%zu, %zu, %zu]", sep, ggml_backend_buft_name(buft), mb.model, mb.context, mb.compute);
            sep = ", ";
        }
        printf("}\n"); fflush(stdout);
        llama_free(ctx); llama_model_free(model);
    }
}
