"""Cross-validation: which value of a setting is best, by k folds of the training photos or clips.

folds     which photos a fold holds
search    what is asked for: a preset, faces or clips, a setting and its values
states    where a fold is, and what was measured on it
study     the journal that every worker shares: which folds are done, and who works on which
work      processes that train one fold after another
measures  by which figures values are compared
results   what the folds say, and how far they can be trusted

    OUT/study.journal            an optuna study, one trial for each value and fold
    OUT/gamma=0.4/fold-03/       a run (see `onedheat.training`); without weights once it is done
    OUT/folds.csv                NRMSE of every fold that is done; of clips jitter and more beside it
"""
