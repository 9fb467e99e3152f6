//! A plain reference store in memory: a map from label set to samples. PromQL's own tests run on it, and other stores are compared with it.
