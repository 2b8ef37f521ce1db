"""Cross-validation: which value of a setting is best, by k folds of the training photos.

folds     which photos a fold holds
search    what is asked for: a preset, faces, a setting and its values
study     the journal that every worker shares: which folds are done, and who works on which
work      processes that train one fold after another
results   what the folds say, and how far they can be trusted

    OUT/study.journal            an optuna study, one trial for each value and fold
    OUT/gamma=0.4/fold-03/       a run (see `onedheat.training`); without weights once it is done
    OUT/folds.csv                NRMSE of every fold that is done
"""
