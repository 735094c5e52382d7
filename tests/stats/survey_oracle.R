# Estimates by the R package survey (Thomas Lumley), for comparison only.
# Reads paths of CSV files from standard input, one per line; writes one line of numbers per file:
# for each domain of column g in order, then for all: mean, SE, total, SE, ratio y/x, SE, degrees of freedom.
suppressPackageStartupMessages(library(survey))
con <- file("stdin")
open(con)
while (length(path <- readLines(con, n = 1)) > 0) {
  d <- read.csv(path)
  options(survey.lonely.psu = as.character(d$lonely[1]))
  two <- "ssu" %in% names(d)
  finite <- "fpc1" %in% names(d)
  design <- svydesign(
    ids = if (two) ~psu + ssu else ~psu, strata = ~stratum, weights = ~w, nest = TRUE, data = d,
    fpc = if (!finite) NULL else if (two) ~fpc1 + fpc2 else ~fpc1
  )
  numbers <- c()
  for (g in c(sort(unique(d$g)), NA)) {
    part <- if (is.na(g)) design else design[d$g == g, ]
    m <- svymean(~y, part, na.rm = TRUE)
    t <- svytotal(~y, part, na.rm = TRUE)
    r <- svyratio(~y, ~x, part, na.rm = TRUE)
    answered <- if (is.na(g)) design[!is.na(d$y), ] else design[d$g == g & !is.na(d$y), ]
    numbers <- c(numbers, coef(m), SE(m), coef(t), SE(t), coef(r), SE(r), degf(answered))
  }
  cat(sprintf("%.17g", numbers), "\n")
  flush(stdout())
}
