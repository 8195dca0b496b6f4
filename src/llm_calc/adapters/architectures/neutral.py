"""Keys of a configuration file that change no size: numbers of the arithmetic, token ids, training, bookkeeping.

A key that is neither read by its family nor listed here may change sizes: the reading is then approximate and
says so (see ``reading``).
"""

import re

_EXACT = frozenset(
    """
    _attn_implementation _commit_hash _from_model_config _name_or_path
    _attn_implementation_autoset _experts_implementation activation activation_function architectures
    attention_multiplier attention_out_multiplier attention_in_multiplier attention_softmax_in_fp32
    attention_value_scale attn_implementation attn_logit_softcapping attn_scale attn_temperature_tuning auto_map
    bf16 fp16 fp32 bad_words_ids begin_suppress_tokens bias_dropout_fusion cache_implementation chat_template
    chunk_size_feed_forward clip_qkv custom_pipelines decoder_start_token_id dim_model_base diversity_penalty
    do_sample early_stopping embedding_multiplier ep_size exponential_decay_length_penalty final_logit_softcapping
    final_w_init_variance_scale finetuning_task flash_attn flash_rotary floor_scale forced_bos_token_id
    forced_eos_token_id fused_dense gradient_checkpointing hidden_act hidden_activation id2label label2id
    ignore_index init_config init_device init_method_std init_std is_encoder_decoder is_llama_config
    key_multiplier layer_norm_eps layer_norm_epsilon layerdrop length_penalty
    lm_head_multiplier logit_scale logits_scaling logits_soft_cap masked_softmax_fusion max_length
    mlp_multipliers model_max_length model_type moe_apply_router_weight_on_input
    moe_renormalize moe_router_dtype moe_router_logit_softcapping moe_routed_scaling_factor mup_enabled name
    no_repeat_ngram_size norm_topk_prob num_beam_groups num_beams num_logits_to_keep num_return_sequences
    offset_alibi original_max_position_embeddings output_attentions output_hidden_states output_router_logits
    output_scores partial_rotary_factor prefix pretraining_tp problem_type pruned_heads query_pre_attn_scalar
    remove_invalid_values reorder_and_upcast_attn repetition_penalty rescale_every rescale_prenorm_residual
    residual_in_fp32 residual_multiplier return_dict return_dict_in_generate rotary_base rotary_dim
    rotary_emb_base rotary_emb_fraction rotary_emb_interleaved rotary_pct route_scale routed_scaling_factor
    router_aux_loss_coef router_aux_loss_coeff router_jitter_noise router_scaling_factor router_z_loss_coef
    scale_attention_softmax_in_fp32 scale_attn_by_inverse_layer_idx scale_attn_weights scale_depth scale_emb
    scale_embedding scoring_func seed selective_checkpoint_enabled sep_token_id seq_aux sequence_parallel_enabled
    slow_but_exact softmax_scale ssm_in_multiplier ssm_multipliers ssm_out_multiplier summary_activation
    summary_first_dropout summary_last_dropout summary_proj_to_labels summary_type summary_use_proj
    suppress_tokens swiglu_alpha swiglu_limit task_specific_params temperature tf_legacy_loss tie_encoder_decoder
    time_step_floor time_step_init_scheme time_step_limit time_step_max time_step_min time_step_scale
    tokenizer_class tokenizer_name top_k top_p topk_group n_group topk_method torchscript transformers.js_config
    transformers_version transformers_weights typical_p use_associative_scan use_bfloat16 use_cache
    use_dynamic_ntk use_flash_attn use_flash_attention use_logn_attn use_mamba_kernels use_mambapy
    use_mem_eff_path unsloth_version unsloth_fixed verbose w_init_variance_scale
    prefill_chunk_size chunk_size mamba_chunk_size mamba_ssm_cache_dtype attention_dropout use_parallel_residual
    apply_residual_connection_post_layernorm lambda_std_dev input_jitter_noise aux_loss_alpha aux_loss_coef
    n_ctx n_special predict_special_tokens moe_norm_min z_loss_coefficient use_moe_aux_loss
    partial_rotary_type rms_norm_eps_moe_gate qk_l2_clip_threshold rel_l2_clip_threshold
    mlp_gate_softcap mlp_up_softcap gate_soft_cap output_logit_soft_cap mtp_loss_scaling_factor
    hidden_mamba_act mamba_hidden_act mlp_hidden_act runner_max_sequence_length pretraining_sequence_length
    num_nextn_predict_layers num_mtp_layers num_mtp_modules mtp_transformer_layers use_mtp mtp_layer_types
    mtp_mlp_layer_types mtp_layers_block_type mtp_hybrid_override_pattern mtp_local_layer_ids
    """.split()
)

_PATTERNS = re.compile(
    r"""
    .*(dropout|pdrop)(_prob|_rate|_p)?$ | .*_token_(id|index|ids)$ | (bos|eos|pad|unk|mask)_.*id$
    | .*_(eps|epsilon)$ | eps$ | (.*_)?initializer_(range|factor|cutoff_factor)$ | .*_init_std$
    | (.*_)?rope_(theta|scaling|parameters|interleave|interleaved|ratio|local_base_freq|freqs?|type)$
    | .*_(loss_coef|loss_coeff|loss_weight|jitter_noise)$
    """,
    re.VERBOSE,
)


def is_neutral(key: str) -> bool:
    """Whether a key is known not to change parameter counts, caches or FLOPs in any family."""
    return key in _EXACT or _PATTERNS.match(key) is not None
