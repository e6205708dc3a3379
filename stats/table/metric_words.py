"""What the words in names of metrics say about their direction."""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(filter(None, (phrase.strip() for phrase in re.split(r"[|\n]", text))))


#: Of these less is better, whatever the task is.
LOWER = words("""
    loss losses error errors err nll nlpd logloss xent crossentropy perplexity perplexities ppl
    brier ece sce mae mse rmse rmsle msle mape smape mase crps wer cer ter der eer hter mcr fpr fnr
    fid kid fvd fad lpips latency runtime regret bpb bpc bpd deviance aic bic kld jsd emd
    misclassification inaccuracy epe ade fde mpjpe hausdorff hd95 chamfer levenshtein
    """)

#: Of these more is better, whatever the task is.
HIGHER = words("""
    accuracy accuracies acc acc1 acc5 top1 top5 f1 fbeta f2 auc auroc rocauc auprc prauc aupr ap map
    bleu sacrebleu rouge rouge1 rouge2 rougel rougelsum chrf meteor bertscore comet bleurt cider
    spice mcc matthews pearson spearman pearsonr spearmanr kendall r2 recall precision specificity
    sensitivity tpr tnr ppv npv ndcg dcg mrr hits hit iou miou jaccard dice dsc em exactmatch kappa
    qwk psnr ssim msssim reward rewards return returns elo pass success likelihood loglikelihood
    elbo throughput speedup correct nmi ari ami silhouette homogeneity completeness mauve vmaf pesq
    stoi sdr sisdr snr gmean wins winrate
    """)

#: Whatever begins or ends with one of these may be a metric of which less is better.
SUSPECTS = words("""
    error loss distance time latency perplexity regret divergence cost fid entropy penalty seconds
    delay duration rmse nll
    """)

#: Of these less may be better, or they turn the direction of the word beside them.
DOUBTFUL = words("""
    seconds second sec secs ms minutes hours duration elapsed wall memory energy emissions
    carbon flops macs params parameters size length steps epochs rank drop gap decrease increase
    reduction improvement saved saving savings removed avoided correlation correction detection
    recovered tolerance reduction difference delta ratio change risk failure failures failed
    mistake mistakes wrong violation violations toxicity hallucination hallucinations bias variance
    std stdev sd deviation spread uncertainty residual residuals discrepancy mismatch false miss
    misses missed dist kl js wasserstein mmd hamming edit bits nats bytes complexity price expense
    damage waste crash crashes forgetting interference leakage attack asr
    """)

#: These go with a word of known direction and do not change it.
FAMILIAR = words("""
    val valid validation dev test eval train training heldout holdout ood id in out macro micro
    weighted mean avg average median total overall final best at k matched mismatched mm m scaled
    mass score scores rate value metric percent pct norm normalized normalised corpus sentence token
    tokens word words character char phone sample samples example item per squared square absolute
    abs root relative percentage log cross binary categorical ce bce hinge huber focal mlm lm
    generalization generalisation classification prediction calibration expected maximum
    reconstruction zero one of and the
    """)

#: Names of several words.
LOWER_PHRASES = _phrases(
    """
    negative log likelihood|neg log likelihood|neg loglikelihood|negative loglikelihood|
    cross entropy|binary cross entropy|categorical cross entropy|kl divergence|kl div|
    js divergence|jensen shannon divergence|bits per byte|bits per character|bits per char|
    bits per dim|bits per dimension|bits per token|nats per token|edit distance|
    levenshtein distance|hausdorff distance|chamfer distance|wasserstein distance|
    frechet inception distance|earth mover distance|hamming distance|hamming loss|
    inference time|wall time|wall clock|wall clock time|run time|response time|elapsed time|
    training time|train time|latency ms|latency s|seconds per step|seconds per epoch|
    ms per token|time per step|false positive rate|false negative rate|false alarm rate|
    false discovery rate|miss rate|failure rate|calibration error|equal error rate|
    hallucination rate|attack success rate|seconds|mean rank|runtime s|runtime seconds
    """
)

HIGHER_PHRASES = _phrases(
    """
    log likelihood|exact match|reciprocal rank|average precision|r squared|explained variance|
    true positive rate|true negative rate|negative predictive value|positive predictive value|
    win rate|hit rate|success rate|pass rate|rank correlation|correlation|pearson correlation|
    spearman correlation|spearman rank correlation|kendall tau|matthews correlation|
    matthews correlation coefficient|v measure|inception score|tokens per second|
    samples per second|examples per second|items per second|steps per second|roc auc|pr auc|ms ssim
    """
)

#: At the front they turn the direction of what follows.
NEGATIONS = words("neg negative negated minus inverse inverted inv")
